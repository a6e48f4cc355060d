# A mod_perl handler, for contrast. Apache keeps the interpreter in its own processes and
# calls this function for a request, with the request as Apache itself has it. Nothing
# stands between the two, so it is fast; and no other web server can call it.
package Hello;
use strict;
use warnings;
use Apache2::RequestRec ();
use Apache2::RequestIO ();
use Apache2::Const -compile => 'OK';

sub handler {
    my $request = shift;
    $request->content_type('text/plain; charset=utf-8');
    $request->print("Hello, World!\n");
    return Apache2::Const::OK;    # for Apache: this request is done
}

1;
