//! Copies on their way to the shadow, and its responses.

use super::*;
use crate::telemetry::history::EventKind;

#[test]
fn copies_go_over_one_connection_marked_and_counted() {
    in_world("", async |world| {
        world.answered(GET);
        let (mut shadow, head) = world.copy().await;
        assert!(
            head.starts_with("GET / HTTP/1.1\r\n") && head.contains("X-Shadow-Request: next\r\n"),
            "{head}"
        );
        for n in 1..4 {
            shadow.say(OK).await;
            world.settle().await;
            assert_eq!(world.count(Outcome::Answered), n);
            world.answered(GET);
            world.settle().await;
            shadow.read_to("\r\n\r\n").await;
        }
        shadow.say(OK).await;
        world.settle().await;
        assert!(world.shadow.is_left_alone());
    });
}

#[test]
fn a_copy_on_a_connection_that_closes_goes_once_more_where_that_is_safe() {
    for (request, again) in [(GET, true), (&GET.replace("GET", "POST"), false)] {
        in_world("", async |world| {
            world.answered(GET);
            let (mut shadow, _) = world.copy().await;
            shadow.say(OK).await;
            world.settle().await;
            world.answered(request);
            world.settle().await;
            shadow.read_to("\r\n\r\n").await;
            drop(shadow);
            world.settle().await;
            if again {
                let (mut shadow, _) = world.copy().await;
                shadow.say(OK).await;
                world.settle().await;
                assert_eq!(world.count(Outcome::Answered), 2);
            } else {
                assert!(world.shadow.is_left_alone());
                assert_eq!(world.count(Outcome::Broken), 1);
            }
        });
    }
}

#[test]
fn a_body_goes_out_while_it_comes_and_so_do_its_trailers() {
    in_world("", async |world| {
        let mut copies = world.request(CHUNKS);
        let (mut shadow, _) = world.copy().await;
        for _ in 0..3 {
            world.push(&mut copies, b"piece");
            world.settle().await;
            shadow.read_to("5\r\npiece\r\n").await;
        }
        let mut trailers = crate::http::Headers::default();
        trailers.append(b"X-Sum", b"1");
        copies.end(Some(&trailers));
        copies.over(None);
        world.settle().await;
        shadow.read_to("0\r\nX-Sum: 1\r\n\r\n").await;
        shadow.say(OK).await;
        world.settle().await;
        assert_eq!(world.count(Outcome::Answered), 1);
    });
}

#[test]
fn a_body_that_fails_is_never_taken_for_whole_and_says_why() {
    for outcome in [
        Outcome::ClientAborted,
        Outcome::BodyCut,
        Outcome::NotForwarded,
    ] {
        in_world("", async |world| {
            let mut copies = world.request(CHUNKS);
            let (mut shadow, _) = world.copy().await;
            world.push(&mut copies, b"piece");
            world.settle().await;
            copies.fail(outcome);
            copies.over(None);
            world.settle().await;
            let (rest, _) = shadow.read_all().await;
            assert_eq!(rest, "5\r\npiece\r\n");
            assert_eq!(world.count(outcome), 1);
        });
    }
}

#[test]
fn a_body_beyond_its_buffer_is_given_up_and_production_does_not_wait() {
    in_world("body_buffer = '64KiB'", async |world| {
        let mut copies = world.request(CHUNKS);
        let (shadow, _) = world.copy().await;
        for _ in 0..100 {
            world.push(&mut copies, &[b'x'; 1000]);
            world.settle().await;
        }
        copies.end(None);
        copies.over(None);
        world.settle().await;
        assert_eq!(world.count(Outcome::BodyOverrun), 1);
        drop(shadow);
    });
}

#[test]
fn an_answer_before_the_end_of_the_body_is_one_and_its_connection_is_not_used_again() {
    in_world("", async |world| {
        let mut copies = world.request(POST);
        let (mut shadow, _) = world.copy().await;
        world.push(&mut copies, b"12345");
        shadow.say(OK).await;
        world.settle().await;
        assert_eq!(world.count(Outcome::Answered), 1);
        world.push(&mut copies, b"67890");
        copies.end(None);
        copies.over(None);
        world.settle().await;
        assert_eq!(shadow.read_all().await.0, "12345");
    });
}

#[test]
fn what_is_no_response_is_broken_and_a_reset_too() {
    for said in [
        "",
        "HTTP/9",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhalf",
        "nothing at all\r\n\r\n",
    ] {
        in_world("", async |world| {
            world.answered(GET);
            let (mut shadow, _) = world.copy().await;
            shadow.say(said).await;
            shadow.reset_on_close();
            drop(shadow);
            world.settle().await;
            assert_eq!(world.count(Outcome::Broken), 1, "{said:?}");
        });
    }
}

#[test]
fn interim_responses_are_passed_over_unless_they_have_no_end() {
    in_world("", async |world| {
        world.answered(GET);
        let (mut shadow, _) = world.copy().await;
        shadow.say("HTTP/1.1 103 Early Hints\r\n\r\n").await;
        shadow.say(OK).await;
        world.settle().await;
        assert_eq!(world.count(Outcome::Answered), 1);
        world.answered(GET);
        world.settle().await;
        for _ in 0..200 {
            shadow.say("HTTP/1.1 102 Processing\r\n\r\n").await;
            world.settle().await;
        }
        assert_eq!(world.count(Outcome::Broken), 1);
    });
}

#[test]
fn an_answer_is_read_up_to_its_limit() {
    in_world("answer_bytes = '20KiB'", async |world| {
        world.answered(GET);
        let (mut shadow, _) = world.copy().await;
        shadow
            .say("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
            .await;
        for _ in 0..100 {
            if world.count(Outcome::Answered) == 0 {
                shadow.say(&"x".repeat(1000)).await;
                world.pass(TICK).await;
            }
        }
        assert_eq!(world.count(Outcome::Answered), 1);
        assert_eq!(shadow.read_all().await.0, "");
    });
}

#[test]
fn an_answer_of_one_byte_chunks_is_read_in_turns_to_its_end() {
    in_world("", async |world| {
        world.answered(GET);
        let (mut shadow, _) = world.copy().await;
        shadow
            .say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            .await;
        for _ in 0..300 {
            shadow.say(&"1\r\nx\r\n".repeat(100)).await;
            world.pass(Duration::from_millis(1)).await;
        }
        shadow.say("0\r\n\r\n").await;
        world.pass(TICK).await;
        assert_eq!(world.count(Outcome::Answered), 1);
    });
}

#[test]
fn an_upgrade_is_a_copy_only_where_the_primary_declined_it() {
    let upgrade = "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\n";
    for (status, copied) in [(101, false), (200, true)] {
        in_world("", async |world| {
            let mut copies = world.request(upgrade);
            world.settle().await;
            assert!(world.shadow.is_left_alone());
            answer(&copies, status);
            world.settle().await;
            if copied {
                let (mut shadow, _) = world.copy().await;
                shadow.say(OK).await;
                world.settle().await;
                assert_eq!(world.count(Outcome::Answered), 1);
                // What comes next on it may be of another protocol.
                assert_eq!(shadow.read_all().await.0, "");
            } else {
                assert_eq!(world.count(Outcome::Upgrade), 1);
            }
            copies.over(None);
            world.settle().await;
        });
    }
}

#[test]
fn a_copy_may_wait_for_the_primarys_answer() {
    in_world("send = 'after_answer'", async |world| {
        let mut copies = world.request(GET);
        world.settle().await;
        assert!(world.shadow.is_left_alone());
        answer(&copies, 200);
        let (mut shadow, _) = world.copy().await;
        copies.over(None);
        shadow.say(OK).await;
        world.settle().await;
        assert_eq!(world.count(Outcome::Answered), 1);
    });
}

#[test]
fn a_paused_shadow_gets_nothing() {
    in_world("", async |world| {
        world.state.control.pause(true);
        world.answered(GET);
        world.settle().await;
        assert_eq!(world.count(Outcome::Paused), 1);
        assert!(world.shadow.is_left_alone());
    });
}

#[test]
fn nobody_at_the_address_is_refused_and_the_next_is_tried_again() {
    in_world("", async |world| {
        world.shadow.set(Answers::Refuses);
        world.answered(GET);
        world.settle().await;
        assert_eq!(world.count(Outcome::Refused), 1);
        world.shadow.set(Answers::Accepts);
        world.answered(GET);
        let (mut shadow, _) = world.copy().await;
        shadow.say(OK).await;
        world.settle().await;
        assert_eq!(world.count(Outcome::Answered), 1);
    });
}

#[test]
fn a_build_that_responses_name_is_an_event_once() {
    in_world("build_header = 'X-App-Version'", async |world| {
        let says = |build: &str| {
            format!("HTTP/1.1 200 OK\r\nx-app-version: {build}\r\nContent-Length: 2\r\n\r\nok")
        };
        world.answered(GET);
        let (mut shadow, _) = world.copy().await;
        for build in ["v1", "v2", "v1", "v2\u{202e}", "v2"] {
            shadow.say(&says(build)).await;
            world.settle().await;
            world.answered(GET);
            world.settle().await;
            shadow.read_to("\r\n\r\n").await;
        }
        shadow.say(OK).await;
        world.settle().await;
        assert_eq!(world.state.build().as_deref(), Some("v2"));
        let told = world.state.events.all().into_iter();
        let told = told.map(|event| (event.kind, event.text));
        let told: Vec<_> = told.filter(|(kind, _)| *kind == EventKind::Build).collect();
        let texts: Vec<_> = told.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(texts, ["build v1", "build v2", "build v2\\u{202e}"]);
    });
}
