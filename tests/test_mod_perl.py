"""What stands behind glass beside the Python gateways still answers: Perl inside Apache."""

from dataclasses import replace

import pytest
from conftest import require

from exhibits import catalog
from exhibits.asking import request
from exhibits.backstage.running import Exhibit
from exhibits.catalog.parts import Part
from exhibits.catalog.stacks import ADDRESS, MODULES

MOD_PERL = Part("mod_perl", None, "https://perl.apache.org/", apt="libapache2-mod-perl2",
                files=("mod_perl.so",))


@pytest.mark.hall
def test_apache_calls_the_perl_handler_inside_itself(monkeypatch):
    monkeypatch.setitem(catalog.PARTS, "mod_perl", MOD_PERL)
    like = catalog.find("wsgi-apache")
    apache = replace(like.processes[0], files=("mod_perl/apache.conf", "mod_perl/Hello.pm"), environ={"ROOM": "{run}"},
                     edits=(ADDRESS, MODULES))
    stack = replace(like, name="mod_perl", processes=(apache,), needs=("mod_perl",), copies_program=False)
    require(stack)
    with Exhibit(stack) as exhibit:
        with exhibit.visitor() as visitor:
            answer = visitor.ask(request("GET", "/hello"))
            for path in ("/", "/apache.conf", "/Hello.pm", "/../apache.conf", "//%2e%2e/apache.conf", "/empty/"):
                elsewhere = visitor.ask(request("GET", path))
                assert elsewhere.status >= 400 or elsewhere.body == answer.body, path
        fields = dict(answer.headers)
        assert (answer.status, answer.body) == (200, b"Hello, World!\n")
        assert fields["content-type"] == "text/plain; charset=utf-8" and fields["server"].startswith("Apache")
        assert [process.part for process, _, _ in exhibit.processes] == ["Apache"]  # and there is no other
