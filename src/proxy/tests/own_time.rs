//! What shadowtee itself adds to a request's time, and what of it is the network's.

use super::*;

/// How many requests were measured.
fn measured(world: &World) -> u64 {
    let pipeline = world.pipelines.now();
    pipeline.metrics.own.buckets().counts.iter().sum()
}

/// An exchange on a connection that stays open.
async fn exchange(client: &mut Memory, primary: &mut Memory) {
    client.say(GET).await;
    primary.read_to("\r\n\r\n").await;
    // The wait for it is the primary's time.
    tokio::time::sleep(Duration::from_millis(500)).await;
    primary.say(&response("ok")).await;
    client.read_to("ok").await;
}

#[test]
fn one_request_in_64_is_measured_without_the_time_of_the_primary() {
    in_world("", async |world| {
        let (mut client, mut primary, _) = world.request(GET).await;
        primary.say(&response("ok")).await;
        client.read_to("ok").await;
        for sent in 2..=128_u64 {
            exchange(&mut client, &mut primary).await;
            assert_eq!(measured(world), sent / 64, "{sent}");
        }
        let pipeline = world.pipelines.now();
        let [_, _, p99] = pipeline.metrics.own.buckets().quantiles();
        assert!(p99 < 1.0, "{p99} ms of {:?}", pipeline.metrics.own);
    });
}

#[test]
fn what_waits_for_the_rest_of_a_head_or_for_a_connection_is_not_measured() {
    in_world("", async |world| {
        let (mut client, mut primary, _) = world.request(GET).await;
        primary.say(&response("ok")).await;
        client.read_to("ok").await;
        for _ in 2..64 {
            exchange(&mut client, &mut primary).await;
        }
        client.say("GET / HTTP/1.1\r\nHo").await;
        world.settle().await;
        client.say("st: a\r\n\r\n").await;
        primary.read_to("\r\n\r\n").await;
        primary.say(&response("ok")).await;
        client.read_to("ok").await;
        for _ in 65..128 {
            exchange(&mut client, &mut primary).await;
        }
        drop(primary);
        world.settle().await;
        client.say(GET).await;
        let mut primary = world.primary.accept().await;
        primary.read_to("\r\n\r\n").await;
        primary.say(&response("ok")).await;
        client.read_to("ok").await;
        assert_eq!(measured(world), 0);
    });
}
