//! Clients that leave, that only stop sending, and that are to go.

use super::*;

#[test]
fn a_client_that_resets_takes_its_request_back() {
    in_world("", async |world| {
        let (mut client, mut primary, _) = world.request(GET).await;
        client.reset_on_close();
        drop(client);
        assert_eq!(primary.read_all().await.0, "");
    });
}

#[test]
fn a_client_that_only_stops_sending_gets_its_answer() {
    in_world("timeouts.half_close = '30s'", async |world| {
        let (mut client, mut primary, _) = world.request(GET).await;
        tokio::io::AsyncWriteExt::shutdown(&mut client)
            .await
            .unwrap();
        tokio::time::sleep(Duration::from_secs(20)).await;
        primary.say(&response("late")).await;
        client.read_to("late").await;
        assert_eq!(client.read_all().await, (String::new(), true));
    });
}

#[test]
fn a_client_that_stopped_sending_has_left_when_half_close_is_over() {
    in_world("timeouts.half_close = '30s'", async |world| {
        let (mut client, mut primary, _) = world.request(GET).await;
        let began = Instant::now();
        tokio::io::AsyncWriteExt::shutdown(&mut client)
            .await
            .unwrap();
        primary.read_all().await;
        assert_eq!(began.elapsed().as_secs(), 30);
    });
}

#[test]
fn a_client_that_leaves_while_a_connection_is_made_is_not_waited_for() {
    in_world("timeouts.connect = '60s'", async |world| {
        world.primary.set(crate::net::memory::Answers::Hangs);
        let (mut client, task) = world.client_task();
        client.say(GET).await;
        world.settle().await;
        client.reset_on_close();
        drop(client);
        let began = Instant::now();
        task.await.unwrap();
        assert!(began.elapsed() < Duration::from_secs(1));
    });
}

#[test]
fn a_primary_that_refuses_is_an_error_that_says_so() {
    in_world("", async |world| {
        world.primary.set(crate::net::memory::Answers::Refuses);
        let mut client = world.client();
        client.say(GET).await;
        assert!(client.read_to("\r\n\r\n").await.contains(" 502 "));
        world.settle().await;
        assert_eq!(
            world.outcomes(Outcome::Answered),
            1,
            "the copy goes all the same"
        );
    });
}

#[test]
fn a_process_that_drains_answers_and_says_that_it_was_the_last() {
    in_world("", async |world| {
        let (mut client, mut primary, _) = world.request(GET).await;
        world.drain.ask();
        primary.say(&response("last")).await;
        assert!(
            client
                .read_to("last")
                .await
                .contains("Connection: close\r\n")
        );
        assert_eq!(client.read_all().await, (String::new(), true));
    });
}

#[test]
fn a_process_that_closes_ends_idle_clients_at_once() {
    in_world("", async |world| {
        let (client, task) = world.client_task();
        world.settle().await;
        world.drain.close();
        task.await.unwrap();
        drop(client);
    });
}

#[test]
fn a_request_that_is_refused_is_counted_and_not_copied() {
    in_world("", async |world| {
        let mut client = world.client();
        client.say("GET / HTTP/1.1\r\n\r\n").await;
        assert!(client.read_to("\r\n\r\n").await.contains(" 400 "));
        world.settle().await;
        assert!(world.copies.is_empty());
        assert_eq!(world.outcomes(Outcome::NotForwarded), 1);
    });
}
