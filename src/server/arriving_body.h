// A request's body for Beast that grows as it arrives. What a client claims in its Content-Length
// is not reserved: hundreds may claim and never send. Internal to the listener.
#pragma once

#include <algorithm>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <cstdint>
#include <string>

namespace thermocline {

struct ArrivingBody {
  using value_type = std::string;  // NOLINT(readability-identifier-naming): Beast's name
  static constexpr uint64_t kReserveBytes = 1 << 20;

  class reader {  // NOLINT(readability-identifier-naming): Beast's name
   public:
    template <bool kIsRequest, typename Fields>
    reader(boost::beast::http::header<kIsRequest, Fields>&, std::string& body) : body_(body) {}

    void init(const boost::optional<uint64_t>& length, boost::system::error_code& error) {
      body_.reserve(std::min(length.value_or(0), kReserveBytes));
      error = {};
    }

    template <typename Buffers>
    size_t put(const Buffers& buffers, boost::system::error_code& error) {
      size_t taken = 0;
      for (const auto buffer : boost::beast::buffers_range_ref(buffers)) {
        body_.append(static_cast<const char*>(buffer.data()), buffer.size());
        taken += buffer.size();
      }
      error = {};
      return taken;
    }

    void finish(boost::system::error_code& error) { error = {}; }

   private:
    std::string& body_;
  };
};

}  // namespace thermocline
