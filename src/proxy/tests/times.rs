//! What may take how long, on a clock that the tests have.

use super::*;

/// How long it took until this came.
async fn seconds_to(client: &mut Memory, text: &str) -> u64 {
    let began = Instant::now();
    let read = client.read_to("\r\n\r\n").await;
    assert!(read.contains(text), "{read}");
    began.elapsed().as_secs()
}

#[test]
fn a_primary_that_does_not_answer_in_time_is_504() {
    in_world("timeouts.answer = '7s'", async |world| {
        let (mut client, mut primary, _) = world.request(GET).await;
        assert_eq!(seconds_to(&mut client, " 504 ").await, 7);
        primary.read_all().await;
    });
}

#[test]
fn a_client_that_does_not_send_its_body_is_408() {
    in_world(
        "timeouts.idle = '9s'\ntimeouts.answer = '5s'",
        async |world| {
            let post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n";
            let (mut client, _primary, _) = world.request(post).await;
            tokio::time::sleep(Duration::from_secs(8)).await;
            client.say("1").await;
            assert_eq!(seconds_to(&mut client, " 408 ").await, 9);
            world.settle().await;
            assert_eq!(world.outcomes(Outcome::ClientAborted), 1);
        },
    );
}

#[test]
fn the_time_for_an_answer_begins_with_the_last_of_the_request() {
    in_world("timeouts.answer = '5s'", async |world| {
        let post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n";
        let (mut client, mut primary, _) = world.request(post).await;
        tokio::time::sleep(Duration::from_secs(20)).await;
        client.say("12").await;
        primary.read_to("12").await;
        assert_eq!(seconds_to(&mut client, " 504 ").await, 5);
    });
}

#[test]
fn a_response_that_stalls_is_cut_and_one_that_drips_is_not() {
    in_world("timeouts.idle = '9s'", async |world| {
        let (mut client, mut primary, _) = world.request(GET).await;
        primary
            .say("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
            .await;
        client.read_to("\r\n\r\n").await;
        for _ in 0..5 {
            tokio::time::sleep(Duration::from_secs(8)).await;
            primary.say("x").await;
            client.read_to("x").await;
        }
        let began = Instant::now();
        assert_eq!(client.read_all().await.0, "");
        assert_eq!(began.elapsed().as_secs(), 9);
    });
}

#[test]
fn a_client_that_takes_nothing_of_its_response_is_given_up() {
    in_world("timeouts.idle = '9s'", async |world| {
        let (client, mut primary, _) = world.request(GET).await;
        let began = Instant::now();
        primary.say(&response(&"x".repeat(1 << 20))).await;
        primary.read_all().await;
        assert_eq!(began.elapsed().as_secs(), 9);
        drop(client);
    });
}

#[test]
fn a_head_that_does_not_come_is_waited_for_no_longer_than_it_may_take() {
    in_world("timeouts.client_header = '3s'", async |world| {
        let mut client = world.client();
        client.say("GET / HTT").await;
        assert_eq!(seconds_to(&mut client, " 408 ").await, 3);
    });
    in_world("timeouts.keep_alive = '11s'", async |world| {
        let (mut client, mut primary, _) = world.request(GET).await;
        primary.say(&response("one")).await;
        client.read_to("one").await;
        let began = Instant::now();
        assert_eq!(client.read_all().await, (String::new(), true));
        assert_eq!(began.elapsed().as_secs(), 11);
    });
}

#[test]
fn a_connection_that_is_not_made_in_time_is_504() {
    in_world("timeouts.connect = '4s'", async |world| {
        world.primary.set(crate::net::memory::Answers::Hangs);
        let mut client = world.client();
        client.say(GET).await;
        assert_eq!(seconds_to(&mut client, " 504 ").await, 4);
    });
}
