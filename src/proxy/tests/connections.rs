//! Which connection a request goes over, and when it goes once more.

use super::*;

/// A client, and a primary's connection that has served it once.
async fn used(world: &World) -> (Memory, Memory) {
    let (mut client, mut primary, _) = world.request(GET).await;
    primary.say(&response("one")).await;
    assert!(
        client
            .read_to("one")
            .await
            .starts_with("HTTP/1.1 200 OK\r\n")
    );
    (client, primary)
}

#[test]
fn a_connection_serves_one_request_after_the_other() {
    in_world("", async |world| {
        let (mut client, mut primary) = used(world).await;
        client.say(GET).await;
        primary.read_to("\r\n\r\n").await;
        primary.say(&response("two")).await;
        client.read_to("two").await;
        assert!(world.primary.is_left_alone());
    });
}

#[test]
fn a_connection_that_closes_before_a_repeatable_request_is_answered_is_replaced() {
    for method in ["GET", "PUT", "DELETE"] {
        in_world("", async |world| {
            let (mut client, mut primary) = used(world).await;
            client.say(&GET.replace("GET", method)).await;
            primary.read_to("\r\n\r\n").await;
            drop(primary);
            let mut primary = world.primary.accept().await;
            assert!(primary.read_to("\r\n\r\n").await.starts_with(method));
            primary.say(&response("again")).await;
            client.read_to("again").await;
        });
    }
}

#[test]
fn a_request_that_may_have_been_served_is_not_sent_again() {
    in_world("", async |world| {
        let (mut client, mut primary) = used(world).await;
        client.say(&GET.replace("GET", "POST")).await;
        primary.read_to("\r\n\r\n").await;
        drop(primary);
        assert!(client.read_to("\r\n\r\n").await.contains(" 502 "));
        assert!(world.primary.is_left_alone());
    });
}

#[test]
fn a_body_that_was_passed_on_is_not_sent_again() {
    in_world("", async |world| {
        let (mut client, mut primary) = used(world).await;
        client
            .say("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello")
            .await;
        primary.read_to("hello").await;
        drop(primary);
        assert!(client.read_to("\r\n\r\n").await.contains(" 502 "));
        assert!(world.primary.is_left_alone());
        world.settle().await;
        assert_eq!(
            world
                .copies
                .values()
                .filter(|copied| copied.body == b"hello")
                .count(),
            1
        );
    });
}

#[test]
fn a_new_connection_that_closes_without_an_answer_is_an_error() {
    in_world("", async |world| {
        let (mut client, primary, _) = world.request(GET).await;
        drop(primary);
        assert!(client.read_to("\r\n\r\n").await.contains(" 502 "));
        assert!(world.primary.is_left_alone());
    });
}

#[test]
fn a_connection_that_sent_an_interim_response_is_not_stale() {
    in_world("", async |world| {
        let (mut client, mut primary) = used(world).await;
        client.say(GET).await;
        primary.read_to("\r\n\r\n").await;
        primary.say("HTTP/1.1 102 Processing\r\n\r\n").await;
        drop(primary);
        let read = client.read_to("\r\n\r\n").await + &client.read_to("\r\n\r\n").await;
        assert!(read.contains(" 102 ") && read.contains(" 502 "), "{read}");
        assert!(world.primary.is_left_alone());
    });
}

#[test]
fn what_comes_on_an_idle_connection_is_nobodys_response() {
    in_world("", async |world| {
        let (mut client, mut primary) = used(world).await;
        primary.say(&response("stray")).await;
        client.say(GET).await;
        let mut primary = world.primary.accept().await;
        primary.read_to("\r\n\r\n").await;
        primary.say(&response("right")).await;
        assert!(client.read_to("right").await.ends_with("\r\n\r\nright"));
    });
}

#[test]
fn a_connection_is_not_used_again_where_the_next_bytes_may_belong_to_this_response() {
    for head in [
        "204 No Content\r\nContent-Length: 3\r\n\r\n",
        "304 Not Modified\r\nContent-Length: 3\r\n\r\n",
        "200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
    ] {
        in_world("", async |world| {
            let (mut client, mut primary, _) = world.request(GET).await;
            primary.say(&format!("HTTP/1.1 {head}")).await;
            client.read_to("\r\n\r\n").await;
            assert_eq!(primary.read_all().await, (String::new(), true), "{head}");
            client.say(GET).await;
            let mut primary = world.primary.accept().await;
            primary.say(&response("next")).await;
            client.read_to("next").await;
        });
    }
}

#[test]
fn an_upgrade_joins_both_ends_and_a_declined_one_spoils_the_connection() {
    let upgrade = "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\n";
    in_world("", async |world| {
        let (mut client, mut primary, head) = world.request(upgrade).await;
        assert!(head.contains("Upgrade: chat\r\n"));
        let switch =
            "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\n";
        primary.say(&format!("{switch}first")).await;
        assert!(client.read_to("first").await.contains("Upgrade: chat\r\n"));
        client.say("hello").await;
        primary.read_to("hello").await;
        primary.say("there").await;
        client.read_to("there").await;
        drop(primary);
        assert_eq!(client.read_all().await.0, "");
    });
    in_world("", async |world| {
        let (mut client, mut primary, _) = world.request(upgrade).await;
        primary.say(&response("no")).await;
        client.read_to("no").await;
        assert_eq!(primary.read_all().await.0, "");
    });
}

#[test]
fn a_switch_that_nobody_asked_for_is_an_error() {
    in_world("", async |world| {
        let (mut client, mut primary, _) = world.request(GET).await;
        primary
            .say("HTTP/1.1 101 Switching Protocols\r\nUpgrade: chat\r\n\r\n")
            .await;
        assert!(client.read_to("\r\n\r\n").await.contains(" 502 "));
    });
}

#[test]
fn requests_that_came_ahead_are_answered_in_their_order() {
    in_world("", async |world| {
        let mut client = world.client();
        client
            .say(&GET.replace('/', "/1").replace("HTTP/11", "HTTP/1"))
            .await;
        client.say(&GET.replace("GET /", "GET /2")).await;
        let mut primary = world.primary.accept().await;
        for n in ["one", "two"] {
            primary.read_to("\r\n\r\n").await;
            world.settle().await;
            primary.say(&response(n)).await;
            assert!(client.read_to(n).await.ends_with(n));
        }
    });
}
