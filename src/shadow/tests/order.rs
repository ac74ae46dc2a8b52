//! Who waits for whom: places, the queue, the order of a session.

use super::*;

fn get(target: &str, user: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: a\r\nX-User: {user}\r\n\r\n")
}

#[test]
fn copies_wait_for_a_place_and_those_that_find_no_room_are_left_out() {
    in_world("max_in_flight = 1\nqueue = 1", async |world| {
        for target in ["/1", "/2", "/3"] {
            world.answered(&get(target, "ann"));
        }
        let (mut shadow, head) = world.copy().await;
        assert!(head.starts_with("GET /1 "));
        assert_eq!(world.count(Outcome::QueueFull), 1);
        shadow.say(OK).await;
        world.settle().await;
        assert!(shadow.read_to("\r\n\r\n").await.starts_with("GET /2 "));
        shadow.say(OK).await;
        world.settle().await;
        assert_eq!(world.count(Outcome::Answered), 2);
    });
}

#[test]
fn copies_with_one_key_go_one_after_the_other_and_those_with_others_beside_them() {
    in_world("order_by = 'header:X-User'", async |world| {
        world.answered(&get("/ann1", "ann"));
        world.answered(&get("/ann2", "ann"));
        world.answered(&get("/bob1", "bob"));
        let (mut ann, first) = world.copy().await;
        let (mut bob, second) = world.copy().await;
        assert!(first.starts_with("GET /ann1 ") && second.starts_with("GET /bob1 "));
        assert!(world.shadow.is_left_alone());
        bob.say(OK).await;
        ann.say(OK).await;
        world.settle().await;
        // On whichever connection was used last.
        let (mut one, mut other) = (String::new(), String::new());
        for (end, read) in [(&mut ann, &mut one), (&mut bob, &mut other)] {
            if let Ok(head) = timeout(Duration::from_millis(1), end.read_to("\r\n\r\n")).await {
                *read = head;
                end.say(OK).await;
            }
        }
        assert!((one + &other).starts_with("GET /ann2 "));
        world.settle().await;
        assert_eq!(world.count(Outcome::Answered), 3);
    });
}

#[test]
fn a_copy_that_waits_for_its_turn_gives_up_its_seat_when_its_body_fails() {
    in_world(
        "order_by = 'header:X-User'\nmax_in_flight = 4\nqueue = 4",
        async |world| {
            world.answered(&get("/1", "ann"));
            let (mut shadow, _) = world.copy().await;
            let mut copies = world.request(&POST.replace("Host: a", "Host: a\r\nX-User: ann"));
            world.settle().await;
            copies.fail(Outcome::ClientAborted);
            copies.over(None);
            world.settle().await;
            assert_eq!(world.count(Outcome::ClientAborted), 1);
            shadow.say(OK).await;
            world.settle().await;
            world.answered(&get("/3", "ann"));
            world.settle().await;
            shadow.read_to("GET /3 ").await;
            shadow.say(OK).await;
            world.settle().await;
            assert_eq!(world.count(Outcome::Answered), 2);
        },
    );
}

#[test]
fn a_stream_holds_up_nobody_in_its_session() {
    in_world("order_by = 'header:X-User'", async |world| {
        let mut copies = world.request(&get("/events", "ann"));
        let (mut events, _) = world.copy().await;
        events
            .say("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
            .await;
        world.settle().await;
        world.answered(&get("/next", "ann"));
        let (mut shadow, head) = world.copy().await;
        assert!(head.starts_with("GET /next "));
        shadow.say(OK).await;
        copies.over(None);
        world.pass(Duration::from_secs(5)).await;
        assert_eq!(world.count(Outcome::Answered), 2);
    });
}
