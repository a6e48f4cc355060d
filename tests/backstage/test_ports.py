"""Addresses and ports: what can be had, what cannot and why, and that nobody gets the same one."""

import os
import shutil
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from conftest import each_stack, require

from exhibits import catalog
from exhibits.asking import request
from exhibits.backstage.running import ROOT, Exhibit, ports


@pytest.mark.parametrize(("host", "reason"), [
    ("192.0.2.1", "192.0.2.1 is not an address of this machine"),  # an address nobody has (RFC 5737)
    ("2001:db8::1", "2001:db8::1 is not an address of this machine"),  # nor that (RFC 3849)
    ("no.such.name.invalid", "'no.such.name.invalid' is neither an address nor a name that this machine knows"),
    ("a..b", "'a..b' is neither an address nor a name that this machine knows"),
    ("224.0.0.1", "224.0.0.1 is an address of many machines"),
    ("255.255.255.255", "255.255.255.255 is an address of many machines"),
    ("ff02::1", "ff02::1 is an address of many machines"),
    ("fe80::1", "fe80::1 is an address at one network interface"),
    ("x" * 300, "is neither an address nor a name that this machine knows"),
])
def test_a_host_that_cannot_be_had_is_refused_with_the_reason(host, reason):
    began = time.monotonic()
    with pytest.raises(ports.CannotStart) as refused:
        ports.free_port(ports.resolve(host))
    assert reason in str(refused.value) and time.monotonic() - began < ports.PATIENCE + 1


def test_a_name_has_an_address_and_an_address_is_its_own():
    assert ports.resolve("localhost") == "127.0.0.1"
    assert [ports.resolve(each) for each in ("127.0.0.1", "0.0.0.0", "::1", "[::1]", "::")] == [
        "127.0.0.1", "0.0.0.0", "::1", "::1", "::"]
    assert ports.resolve("::ffff:127.0.0.1") == "127.0.0.1"  # an address of IPv4 in the writing of IPv6


def test_a_port_in_use_is_said_with_who_has_it():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ports.PortTaken) as refused:
            ports.demand("127.0.0.1", port)
    said = str(refused.value)
    assert said.startswith(f"port {port} on 127.0.0.1 is in use")
    if shutil.which("lsof"):
        assert said.endswith(f"(pid {os.getpid()})")


@pytest.mark.skipif(sys.platform != "linux" or int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
                    <= 80, reason="any user may open port 80 here")
def test_a_port_that_is_for_root_is_not_said_to_be_in_use():
    reader, writer = os.pipe()
    if not (child := os.fork()):
        try:
            if os.geteuid() == 0:
                os.setuid(65534)
            ports.demand("127.0.0.1", 80)
        except Exception as reason:
            os.write(writer, f"{type(reason).__name__}: {reason}".encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    os.close(writer)
    with open(reader) as said:
        assert said.read() == "CannotStart: port 80 is not for this user to open; those above 1023 are"


def test_no_port_is_lent_twice_in_one_process():
    with ThreadPoolExecutor(8) as pool:
        lent = list(pool.map(lambda _: ports.free_port(), range(200)))
    assert len(set(lent)) == 200
    assert not any(ports.keep(port) for port in lent)


def test_no_port_is_lent_twice_between_checkouts(tmp_path):
    """Another checkout asks for the same ports, while nobody listens there yet."""
    shutil.copytree(ROOT / "exhibits", tmp_path / "exhibits", ignore=shutil.ignore_patterns("__pycache__"))
    lent = [ports.free_port() for _ in range(20)]
    ask = "import sys; from exhibits.backstage.running.ports import keep; print([keep(int(n)) for n in sys.argv[1:]])"
    asked = [sys.executable, "-c", ask, *map(str, lent)]
    said = subprocess.run(asked, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert said.split() == str([False] * 20).split()


@each_stack("/museum", stacks=catalog.EVERYTHING)
def test_a_stack_can_be_reached_over_ipv6(stack, mount):
    require(stack)
    if not ports.is_free("::1", 0):
        pytest.skip("this machine has no IPv6")
    with Exhibit(stack, host="::1", mount=mount) as exhibit, exhibit.visitor() as visitor:
        assert exhibit.base.startswith(f"{stack.scheme}://[::1]:{exhibit.port}")
        below = "" if stack.mount_is_stripped else exhibit.mount
        assert visitor.ask(request("GET", below + "/hello")).body == b"Hello, World!\n"
