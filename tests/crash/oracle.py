"""What an outside observer knows about the requests that a server took: which were acknowledged,
which were under way when it died, and which samples each holds. A value is a hash of its series and
timestamp, so that a sample nobody sent cannot look right by chance."""
import hashlib
import threading

SENT, ACKNOWLEDGED, PRESENT, ABSENT = "sent", "acknowledged", "present", "absent"
NAME = "crash_samples"


def value_of(series, timestamp_ms):
    """A whole number that a double holds exactly."""
    digest = hashlib.blake2b(repr((series, timestamp_ms)).encode(), digest_size=8).digest()
    return float(int.from_bytes(digest, "big") >> 12)


class Request:
    """One remote-write request: every series of it with the same timestamps."""

    def __init__(self, cycle, writer, number, timestamps):
        self.cycle = cycle
        # The last series is new with each request: its definition travels in the same records.
        names = [f"{cycle}-{writer}-{n}" for n in range(3)] + [f"{cycle}-{writer}-new{number}"]
        self.samples = {(name, at): value_of(name, at) for name in names for at in timestamps}
        self.state = SENT

    def series(self):
        """{series name: [(timestamp, value)]}"""
        found = {}
        for (name, at), value in self.samples.items():
            found.setdefault(name, []).append((at, value))
        return found


class Oracle:
    def __init__(self):
        self.lock = threading.Lock()
        self.requests = {}  # cycle -> [Request]

    def add(self, request):
        with self.lock:
            self.requests.setdefault(request.cycle, []).append(request)

    def acknowledged(self):
        return sum(r.state == ACKNOWLEDGED for rs in self.requests.values() for r in rs)

    def check(self, cycle, matrix):
        """Compares all samples of a cycle, as a range selector gives them, with what was sent.
        Returns the broken promises as sentences; settles the fate of what was under way."""
        seen, broken = {}, []
        for series in matrix:
            name = series["metric"]["series"]
            for at, value in series["values"]:
                key = (name, round(at * 1000))
                if key in seen:
                    broken.append(f"{key} is there twice")
                seen[key] = float(value)
        owned = set()
        for request in self.requests.get(cycle, []):
            found = {key for key in request.samples if key in seen}
            owned |= found
            broken += [f"{key} has the value {seen[key]}, sent was {request.samples[key]}"
                       for key in found if seen[key] != request.samples[key]]
            whole = len(found) == len(request.samples)
            if found and not whole:
                broken.append(f"{len(found)} of {len(request.samples)} samples of a request that "
                              f"was {request.state}: {sorted(found)[:3]}")
            elif not found and request.state in (ACKNOWLEDGED, PRESENT):
                broken.append(f"a request that was {request.state} is gone: "
                              f"{sorted(request.samples)[:3]}")
            elif found and request.state == ABSENT:
                broken.append(f"a request that was absent came back: {sorted(found)[:3]}")
            elif request.state == SENT:
                request.state = PRESENT if found else ABSENT
        broken += [f"{key} was never sent" for key in sorted(set(seen) - owned)[:5]]
        return broken
