//! A client that closes its sending side still gets its answer.

use std::thread;
use std::time::Duration;

use crate::kit::{Gate, OK, Server, Tee, answers};

#[test]
fn a_client_that_closes_its_sending_side_gets_its_answer() {
    for on_tcp in [false, true] {
        let primary = Server::unix(answers(OK));
        let setup = Tee::with_primary(&primary).toml("[timeouts]\nhalf_close = \"30s\"");
        let tee = if on_tcp { setup.on_tcp() } else { setup }.start();
        let mut client = tee.client();
        client
            .send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            .half_close();
        assert_eq!(client.answer().raw, OK.as_bytes());
        assert_eq!(client.rest().0, b"");
    }
}

#[test]
fn a_client_on_a_unix_socket_that_closes_its_sending_side_is_served_as_long_as_it_takes() {
    let go = Gate::default();
    let gate = go.clone();
    let primary = Server::unix(move |conn| {
        conn.request()?;
        gate.pass();
        conn.send(OK)
    });
    let tee = Tee::with_primary(&primary)
        .toml("[timeouts]\nhalf_close = \"1ms\"")
        .start();
    let mut client = tee.client();
    client
        .send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .half_close();
    primary.wait_for(1);
    // A hundred times what a tcp client would be given.
    thread::sleep(Duration::from_millis(100));
    go.open();
    assert_eq!(client.answer().raw, OK.as_bytes());
}
