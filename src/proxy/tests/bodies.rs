//! Bodies on their way, both ways at the same time, and what the copies get of them.

use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

const POST: &str = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n";
const CHUNKS: &str = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

impl World {
    fn only_copy(&mut self) -> &Copied {
        self.take();
        assert_eq!(self.copies.len(), 1);
        self.copies.values().next().unwrap()
    }
}

#[test]
fn a_body_passes_while_it_comes() {
    in_world("", async |world| {
        let (mut client, mut primary, _) = world.request(POST).await;
        for _ in 0..2 {
            client.say("12345").await;
            primary.read_to("12345").await;
        }
        primary
            .say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            .await;
        client.read_to("\r\n\r\n").await;
        for _ in 0..2 {
            primary.say("3\r\nabc\r\n").await;
            client.read_to("3\r\nabc\r\n").await;
        }
        primary.say("0\r\nX-Sum: 1\r\n\r\n").await;
        client.read_to("0\r\nX-Sum: 1\r\n\r\n").await;
        world.settle().await;
        assert_eq!(world.only_copy().body, b"1234512345");
        assert_eq!(world.outcomes(Outcome::Answered), 1);
    });
}

#[test]
fn an_answer_that_comes_early_is_passed_on_and_so_is_the_rest_of_the_request() {
    in_world("", async |world| {
        let (mut client, mut primary, _) = world.request(POST).await;
        client.say("12345").await;
        primary.read_to("12345").await;
        primary.say(&response("early")).await;
        client.read_to("early").await;
        client.say("67890").await;
        primary.read_to("67890").await;
        // What it reads next could be taken for this request's.
        assert_eq!(primary.read_all().await.0, "");
        world.settle().await;
        assert_eq!(world.only_copy().body, b"1234567890");
        client.say(GET).await;
        let mut primary = world.primary.accept().await;
        primary.say(&response("next")).await;
        client.read_to("next").await;
    });
}

#[test]
fn a_primary_that_answers_and_closes_gets_no_more_and_the_copy_is_cut() {
    in_world("", async |world| {
        let (mut client, mut primary, _) = world.request(POST).await;
        client.say("12345").await;
        primary.read_to("12345").await;
        primary
            .say("HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno")
            .await;
        drop(primary);
        assert!(client.read_to("no").await.contains(" 413 "));
        world.settle().await;
        assert_eq!(world.outcomes(Outcome::BodyCut), 1);
    });
}

#[test]
fn an_answer_that_was_sent_before_the_primary_stopped_reading_is_passed_on() {
    in_world("", async |world| {
        let (mut client, mut primary, _) = world.request(CHUNKS).await;
        primary.say(&response("enough")).await;
        drop(primary);
        client.say("5\r\n12345\r\n").await;
        client.read_to("enough").await;
        world.settle().await;
        assert_eq!(world.outcomes(Outcome::BodyCut), 1);
    });
}

#[test]
fn a_client_that_breaks_off_cuts_the_request_everywhere() {
    in_world("", async |world| {
        let (mut client, mut primary, _) = world.request(POST).await;
        client.say("123").await;
        primary.read_to("123").await;
        client.reset_on_close();
        drop(client);
        assert_eq!(primary.read_all().await.0, "");
        world.settle().await;
        assert_eq!(world.outcomes(Outcome::ClientAborted), 1);
    });
}

#[test]
fn a_body_that_is_not_framed_as_its_head_says_is_refused() {
    in_world("", async |world| {
        let (mut client, mut primary, _) = world.request(CHUNKS).await;
        client.say("5\r\n12345\r\nx\r\n").await;
        assert!(client.read_to("\r\n\r\n").await.contains(" 400 "));
        let (body, _) = primary.read_all().await;
        assert!(!body.contains("0\r\n\r\n"), "{body}");
        world.settle().await;
        assert_eq!(world.outcomes(Outcome::ClientAborted), 1);
    });
}

#[test]
fn a_response_that_breaks_off_is_never_taken_for_whole() {
    for (head, ends_clean) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", true),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
            true,
        ),
    ] {
        in_world("", async |world| {
            let (mut client, mut primary, _) = world.request(GET).await;
            primary.say(head).await;
            drop(primary);
            let (read, is_clean) = client.read_all().await;
            assert!(
                read.ends_with("half") || read.ends_with("half\r\n"),
                "{read}"
            );
            assert_eq!(is_clean, ends_clean, "{head}");
        });
    }
}

#[test]
fn to_a_client_of_http_1_0_only_a_reset_says_that_a_response_is_not_whole() {
    in_world("", async |world| {
        let (mut client, mut primary, _) = world.request("GET / HTTP/1.0\r\nHost: a\r\n\r\n").await;
        primary
            .say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")
            .await;
        client.read_to("half").await;
        drop(primary);
        assert_eq!(client.read_all().await, (String::new(), false));
    });
}

#[test]
fn a_client_that_reads_slowly_holds_up_its_own_primary_and_not_the_memory() {
    in_world("", async |world| {
        let (mut client, mut primary, _) = world.request(GET).await;
        let body = "x".repeat(1 << 20);
        let writing = spawn_local(async move {
            primary.say(&response(&body)).await;
            primary
        });
        for _ in 0..500 {
            world.settle().await;
        }
        assert!(!writing.is_finished(), "a megabyte went nowhere");
        client.read_to("\r\n\r\n").await;
        for _ in 0..1 << 20 {
            client.read_to("x").await;
        }
        writing.await.unwrap();
    });
}

#[test]
fn interim_responses_pass_to_clients_that_know_them() {
    for (version, knows) in [("1.1", true), ("1.0", false)] {
        in_world("", async |world| {
            let request = format!("GET / HTTP/{version}\r\nHost: a\r\n\r\n");
            let (mut client, mut primary, _) = world.request(&request).await;
            primary
                .say("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
                .await;
            primary.say(&response("body")).await;
            let read = client.read_to("body").await;
            assert_eq!(read.starts_with("HTTP/1.1 103"), knows, "{read}");
        });
    }
}

#[test]
fn a_client_that_waits_is_told_to_go_on_by_the_primary_alone() {
    in_world("", async |world| {
        let waits = POST.replace("\r\n\r\n", "\r\nExpect: 100-continue\r\n\r\n");
        let (mut client, mut primary, head) = world.request(&waits).await;
        assert!(head.contains("Expect: 100-continue\r\n"));
        primary.say("HTTP/1.1 100 Continue\r\n\r\n").await;
        client.read_to("100 Continue\r\n\r\n").await;
        client.say("1234567890").await;
        primary.read_to("1234567890").await;
        primary.say(&response("done")).await;
        client.read_to("done").await;
    });
}

/// A step of one of the two: the client sends or reads, the primary takes or answers.
#[derive(Clone, Copy, Debug)]
enum Step {
    Send(usize),
    Take(usize),
    Answer(usize),
    Read(usize),
}

/// What one end has to say, and what it heard.
struct Talker {
    end: Memory,
    said: Vec<u8>,
    unsent: Vec<u8>,
    heard: Vec<u8>,
}

impl Talker {
    fn new(end: Memory) -> Self {
        Self {
            end,
            said: Vec::new(),
            unsent: Vec::new(),
            heard: Vec::new(),
        }
    }

    /// Another chunk of its body.
    fn chunk(&mut self, length: usize) {
        let piece = vec![b'g' + u8::try_from(self.said.len() % 19).unwrap(); length];
        self.unsent
            .extend_from_slice(format!("{length:x}\r\n").as_bytes());
        self.unsent.extend_from_slice(&piece);
        self.unsent.extend_from_slice(b"\r\n");
        self.said.extend(piece);
    }

    /// Sends as much as there is room for now.
    async fn send(&mut self) {
        if let Ok(Ok(length)) = timeout(SOON, self.end.write(&self.unsent)).await {
            self.unsent.drain(..length);
        }
    }

    /// Reads what is there now, up to so many bytes.
    async fn hear(&mut self, most: usize) {
        let mut some = vec![0; most];
        if let Ok(Ok(length)) = timeout(SOON, self.end.read(&mut some)).await {
            self.heard.extend_from_slice(&some[..length]);
        }
    }
}

const SOON: Duration = Duration::from_millis(1);
const LAST: &[u8] = b"0\r\n\r\n";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// However the four interleave, each side gets what the other sent, and the copy what the primary gets.
    #[test]
    fn both_bodies_pass_whole_in_any_order_of_events(
        steps in proptest::collection::vec(
            prop_oneof![
                (1_usize..9000).prop_map(Step::Send),
                (1_usize..9000).prop_map(Step::Take),
                (1_usize..9000).prop_map(Step::Answer),
                (1_usize..9000).prop_map(Step::Read),
            ],
            0..60,
        ),
    ) {
        in_world("", async |world| {
            let (mut client, mut primary, _) = world.request(CHUNKS).await;
            primary.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await;
            client.read_to("\r\n\r\n").await;
            let (mut client, mut primary) = (Talker::new(client), Talker::new(primary));
            for step in steps {
                match step {
                    Step::Send(length) => client.chunk(length),
                    Step::Take(most) => primary.hear(most).await,
                    Step::Answer(length) => primary.chunk(length),
                    Step::Read(most) => client.hear(most).await,
                }
                client.send().await;
                primary.send().await;
                world.settle().await;
            }
            client.unsent.extend_from_slice(LAST);
            primary.unsent.extend_from_slice(LAST);
            while !(primary.heard.ends_with(LAST) && client.heard.ends_with(LAST)) {
                for talker in [&mut client, &mut primary] {
                    talker.send().await;
                    talker.hear(8192).await;
                }
            }
            world.settle().await;
            assert!(body(&primary.heard) == client.said && body(&client.heard) == primary.said);
            assert!(world.only_copy().body == client.said);
            assert_eq!(world.outcomes(Outcome::Answered), 1);
        });
    }
}

/// What chunks hold.
fn body(chunks: &[u8]) -> Vec<u8> {
    let (mut body, mut rest) = (Vec::new(), chunks);
    while let Some(end) = rest.windows(2).position(|pair| pair == b"\r\n") {
        let size = std::str::from_utf8(&rest[..end]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            break;
        }
        body.extend_from_slice(&rest[end + 2..end + 2 + size]);
        rest = &rest[end + 4 + size..];
    }
    body
}
