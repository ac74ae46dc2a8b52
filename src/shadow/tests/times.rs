//! What may take how long, and what the breaker learns of it.

use super::*;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_copy_that_is_not_answered_in_time_is_a_timeout() {
    in_world("answer_timeout = '5s'", async |world| {
        world.answered(GET);
        let (mut shadow, _) = world.copy().await;
        world.pass(4 * SECOND).await;
        assert_eq!(world.count(Outcome::Timeout), 0);
        world.pass(2 * SECOND).await;
        assert_eq!(world.count(Outcome::Timeout), 1);
        assert_eq!(shadow.read_all().await.0, "");
    });
}

#[test]
fn the_time_of_a_client_that_takes_its_own_is_not_the_shadows() {
    in_world("answer_timeout = '5s'", async |world| {
        let mut copies = world.request(POST);
        let (mut shadow, _) = world.copy().await;
        for _ in 0..10 {
            world.pass(2 * SECOND).await;
            world.push(&mut copies, b"x");
        }
        copies.end(None);
        copies.over(None);
        world.pass(4 * SECOND).await;
        shadow.say(OK).await;
        world.settle().await;
        assert_eq!(world.count(Outcome::Answered), 1);
    });
}

#[test]
fn a_connection_that_is_not_made_in_time_is_a_connect_timeout() {
    in_world("connect_timeout = '3s'", async |world| {
        world.shadow.set(Answers::Hangs);
        world.answered(GET);
        world.pass(4 * SECOND).await;
        assert_eq!(world.count(Outcome::ConnectTimeout), 1);
    });
}

#[test]
fn a_shadow_that_fails_too_often_is_left_alone_and_tried_with_one_copy() {
    in_world("breaker = { failures = 3, pause = '10s' }", async |world| {
        world.shadow.set(Answers::Refuses);
        for _ in 0..5 {
            world.answered(GET);
            world.settle().await;
        }
        assert_eq!(
            (
                world.count(Outcome::Refused),
                world.count(Outcome::BreakerOpen)
            ),
            (3, 2)
        );
        world.pass(11 * SECOND).await;
        world.shadow.set(Answers::Accepts);
        world.answered(GET);
        let (mut shadow, _) = world.copy().await;
        world.answered(GET);
        world.settle().await;
        assert_eq!(world.count(Outcome::BreakerOpen), 3, "one at a time");
        shadow.say(OK).await;
        world.settle().await;
        world.answered(GET);
        world.settle().await;
        shadow.say(OK).await;
        world.settle().await;
        assert_eq!(world.count(Outcome::Answered), 2);
    });
}

#[test]
fn a_response_that_still_comes_when_its_time_is_over_is_no_failure_of_the_shadow() {
    let config = "answer_timeout = '5s'\nbreaker = { failures = 1, pause = '60s' }";
    for (drips, left_alone) in [(true, false), (false, true)] {
        in_world(config, async |world| {
            world.answered(GET);
            let (mut shadow, _) = world.copy().await;
            shadow
                .say("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
                .await;
            for _ in 0..12 {
                if drips {
                    shadow.say("x").await;
                }
                world.pass(SECOND / 2).await;
            }
            assert_eq!(world.count(Outcome::Timeout), 1);
            assert_eq!(world.state.breaker.is_open(), left_alone);
        });
    }
}

#[test]
fn an_event_stream_is_answered_by_its_header_and_ends_soon_after_the_primarys() {
    let stream =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    in_world(
        "answer_timeout = '2s'\nstream_timeout = '60s'",
        async |world| {
            let mut copies = world.request(GET);
            let (mut shadow, _) = world.copy().await;
            shadow.say(stream).await;
            world.pass(20 * SECOND).await;
            assert_eq!(
                world.account.in_flight(),
                1,
                "it is read as long as the primary's"
            );
            copies.over(None);
            world.pass(3 * SECOND).await;
            assert_eq!(world.count(Outcome::Answered), 1);
            assert_eq!(shadow.read_all().await.0, "");
        },
    );
    in_world(
        "answer_timeout = '2s'\nstream_timeout = '10s'",
        async |world| {
            let mut copies = world.request(GET);
            let (mut shadow, _) = world.copy().await;
            shadow.say(stream).await;
            world.pass(11 * SECOND).await;
            assert_eq!(world.count(Outcome::Answered), 1);
            copies.over(None);
            world.settle().await;
        },
    );
}
