//! Sessions of production on the target: whose a request is, what it is sent with there, and what both responses to it
//! teach.

use std::{
    cell::RefCell,
    sync::Arc,
    time::{Duration, SystemTime},
};

use parking_lot::Mutex;
use serde::Serialize;

use super::{
    comparing::response_of,
    finish::Finish,
    job::Job,
    lane::{KeptResponse, Times},
    whose::Whose,
};
use crate::{
    compare::{Answer, Captured, Counterpart},
    config,
    http::{Framing, Known, MOST_FIELDS, RequestHead, unchunked},
    identity::{Ends, Identity, IdentityCounts, Learning, RESPONSE_BYTES, looks_into},
    tee::{Budget, Recording},
    telemetry::text::unix_millis,
};

/// Memory for the responses of all connections, however many there are.
const MEMORY: usize = 1 << 30;

/// What is known of production's sessions on the target.
pub(super) struct Sessions {
    settings: config::Identity,
    /// Requests of one session go one after the other; false where something else orders them.
    orders: bool,
    budget: Arc<Budget>,
    round: RefCell<Round>,
    /// Of the rounds before.
    before: RefCell<Sums>,
}

/// Each time that all is sent again, the target gives out everything anew.
struct Round {
    number: u64,
    known: Arc<Mutex<Identity>>,
}

/// What was learned and put in, in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Sums {
    pub(super) sessions: u64,
    pub(super) alike: u64,
    pub(super) otherwise: u64,
    pub(super) learned: u64,
    pub(super) cookies: u64,
    pub(super) tokens: u64,
    pub(super) ids: u64,
    pub(super) conditions: u64,
    /// Cookies of sessions that began before the capture.
    pub(super) earlier_cookies: u64,
    pub(super) unpaired: u64,
}

impl Sums {
    fn add(&mut self, known: &Identity) {
        let Ends { alive, lost } = known.ends();
        let IdentityCounts {
            pairs,
            cookies,
            tokens,
            newest,
            ids,
            conditions,
            unpaired,
            earlier_cookies,
            ..
        } = known.counts();
        self.sessions += known.sessions() as u64;
        self.alike += alive as u64;
        self.otherwise += lost as u64;
        self.learned += pairs;
        self.cookies += cookies;
        self.tokens += tokens + newest;
        self.ids += ids;
        self.conditions += conditions;
        self.unpaired += unpaired;
        self.earlier_cookies += earlier_cookies;
    }
}

impl Sessions {
    pub(super) fn new(settings: config::Identity, concurrency: usize, orders: bool) -> Self {
        let memory = concurrency.saturating_mul(RESPONSE_BYTES);
        let round = Round {
            number: 0,
            known: Arc::new(Mutex::new(Identity::new(settings.memory.bytes()))),
        };
        Self {
            settings,
            orders,
            budget: Budget::new(memory.clamp(4 * RESPONSE_BYTES, MEMORY)),
            round: RefCell::new(round),
            before: RefCell::default(),
        }
    }

    /// A request is read, in the order of the capture. What production gave out for it names its session at once: nobody
    /// sends a cookie before it was given out, so that no request between the two is told another session by that.
    pub(super) fn enter(&self, job: &mut Job) {
        self.begin(job.round);
        let Some(original) = &job.original else {
            return;
        };
        let mut head = Box::new(RequestHead::default());
        let Ok(Some(_)) = head.parse(&original.request, MOST_FIELDS) else {
            return;
        };
        let known = Arc::clone(&self.round.borrow().known);
        let session = {
            let mut known = known.lock();
            let session = known.session(&head, job.client);
            original.answered(head.method(), |primary| {
                known.issued(session, &head, primary);
            });
            session
        };
        if self.orders {
            job.key = Some(session.wrapping_add(job.round << 48));
        }
        job.whose = Some(Whose {
            known,
            session,
            head,
            put_in: Vec::new(),
        });
    }

    /// Requests of a new round have sessions of their own; those of the round before, that are under way, keep theirs.
    fn begin(&self, number: u64) {
        let mut round = self.round.borrow_mut();
        if round.number == number {
            return;
        }
        self.before.borrow_mut().add(&round.known.lock());
        *round = Round {
            number,
            known: Arc::new(Mutex::new(Identity::new(self.settings.memory.bytes()))),
        };
    }

    /// Puts the target's cookies, tokens and ids in place of production's, and makes the request ready to be sent.
    ///
    /// # Errors
    /// With the word for the report, where it can't be sent.
    pub(super) fn put_in(&self, job: &mut Job, finish: &Finish) -> Result<(), &'static str> {
        let mut head = RequestHead::default();
        let text = [&job.head[..], b"\r\n"].concat();
        let Ok(Some(_)) = head.parse(&text, MOST_FIELDS) else {
            return Err("malformed");
        };
        if let Some(whose) = &mut job.whose {
            let is_chunked = Framing::of_request(&head) == Ok(Framing::Chunked);
            let most = self.settings.body_bytes.bytes();
            let is_looked_into = job.body.len() <= most && looks_into(&head, most as u64);
            let body = is_looked_into.then(|| unchunked(is_chunked, &job.body));
            let mut known = whose.known.lock();
            let substituted = known.substitute(whose.session, &head, body.as_deref());
            let substituted = substituted.map_err(|_| "unpaired")?;
            whose.put_in = substituted.ids;
            if let Some(written) = substituted.head {
                head = *written;
            }
            if let Some(body) = substituted.body {
                if is_chunked {
                    head.headers.remove(Known::TransferEncoding);
                    head.headers
                        .remove_named(|name| name.eq_ignore_ascii_case(b"trailer"));
                    let length = body.len().to_string();
                    head.headers.set(b"Content-Length", length.as_bytes());
                }
                job.body = body.into();
            }
        }
        let mut out = Vec::with_capacity(job.head.len() + 128);
        (job.method, job.target) = finish.last(&mut head, &mut out);
        job.head = out.into();
        Ok(())
    }

    /// What keeps the target's response, of which somebody else wants so many bytes.
    pub(super) fn recording(&self, wanted: u64) -> Recording {
        Recording::new(wanted.max(RESPONSE_BYTES as u64), &self.budget)
    }

    /// The request was sent, and answered by the target where there is a response. Returns ids in it that are different
    /// there.
    pub(super) fn learn(
        job: &Job,
        original: &Captured,
        response: Option<&KeptResponse>,
    ) -> Vec<Counterpart> {
        let Some(whose) = &job.whose else {
            return Vec::new();
        };
        let learn = |shadow: Option<&Answer<'_>>| {
            let learned = original.answered(whose.head.method(), |primary| {
                whose.known.lock().learn(&Learning {
                    session: whose.session,
                    head: &whose.head,
                    primary,
                    shadow,
                })
            });
            let mut counterparts = learned.unwrap_or_default();
            counterparts.extend(whose.put_in.iter().cloned());
            counterparts
        };
        let Some(KeptResponse { response, times }) = response else {
            return learn(None);
        };
        let body = response.body.bytes(RESPONSE_BYTES);
        let theirs = response_of(response, &body, at(*times), took(*times));
        learn(Some(&theirs.answer()))
    }

    /// What was learned and put in so far.
    pub(super) fn sums(&self) -> Sums {
        let mut sums = *self.before.borrow();
        sums.add(&self.round.borrow().known.lock());
        sums
    }
}

fn at(times: Times) -> i64 {
    unix_millis(SystemTime::now() - times.head.elapsed())
}

fn took(times: Times) -> Duration {
    times.head.saturating_duration_since(times.began)
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::{
        super::job::{Maker, Wanted},
        *,
    };
    use crate::{
        capture::{Answered, Record},
        http::ResponseHead,
        tee::RecordedResponse,
    };

    struct Replay {
        maker: Maker,
        sessions: Sessions,
        finish: Arc<Finish>,
    }

    impl Replay {
        fn new() -> Self {
            let finish = Finish::new(None, b"X-Copy: replay\r\n".to_vec()).put_off();
            let finish = Arc::new(finish);
            let wanted = Wanted {
                key: None,
                script: None,
                compares: None,
                has_sessions: true,
            };
            Self {
                maker: Maker::new(Arc::clone(&finish), wanted),
                sessions: Sessions::new(config::Identity::default(), 4, true),
                finish,
            }
        }

        /// A request with production's answer.
        fn enter(&mut self, request: &str, answer: &str) -> Job {
            let record = Record {
                request: request.as_bytes(),
                answer: Some(Answered {
                    message: answer.as_bytes(),
                    ..Answered::default()
                }),
                ..Record::default()
            };
            let mut job = self.maker.make(&record).unwrap();
            self.sessions.enter(&mut job);
            job
        }

        /// What it is sent as.
        fn put_in(&self, job: &mut Job) -> Result<String, &'static str> {
            self.sessions.put_in(job, &self.finish)?;
            let text = [&job.head[..], b"\r\n", &job.body].concat();
            Ok(String::from_utf8(text).unwrap())
        }

        fn learn(&self, job: &Job, target: Option<&str>) {
            let original = job.original.as_ref().unwrap();
            let response = target.map(|text| {
                let mut head = ResponseHead::default();
                let length = head.parse(text.as_bytes(), MOST_FIELDS).unwrap().unwrap();
                let mut body = self.sessions.recording(0);
                body.copy(&text.as_bytes()[length..]);
                let now = Instant::now();
                KeptResponse {
                    response: RecordedResponse {
                        head,
                        body,
                        is_whole: true,
                    },
                    times: Times {
                        began: now,
                        head: now,
                    },
                }
            });
            Sessions::learn(job, original, response.as_ref());
        }
    }

    fn sets(cookie: &str) -> String {
        format!("HTTP/1.1 200 OK\r\nSet-Cookie: sid={cookie}\r\nContent-Length: 0\r\n\r\n")
    }

    fn made(id: u32) -> String {
        format!("HTTP/1.1 302 Found\r\nLocation: /orders/{id}\r\nContent-Length: 0\r\n\r\n")
    }

    fn get(target: &str, cookie: &str) -> String {
        format!("GET {target} HTTP/1.1\r\nHost: a\r\nCookie: sid={cookie}\r\n\r\n")
    }

    const POST: &str = "POST /orders HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n";

    #[test]
    fn a_session_has_one_key_however_its_cookie_changes_and_another_one_in_the_next_round() {
        let mut replay = Replay::new();
        let first = replay.enter("GET / HTTP/1.1\r\nHost: a\r\n\r\n", &sets("first-one"));
        let second = replay.enter(&get("/", "first-one"), &sets("second-one"));
        let third = replay.enter(&get("/", "second-one"), &sets("third-one"));
        let other = replay.enter(&get("/", "somebody"), &sets("somebody"));
        assert!(first.key.is_some());
        assert_eq!((first.key, first.key), (second.key, third.key));
        assert_ne!(first.key, other.key);
        replay.maker.again();
        let again = replay.enter("GET / HTTP/1.1\r\nHost: a\r\n\r\n", &sets("first-one"));
        assert_ne!(first.key, again.key);
        assert_eq!(replay.sessions.sums().sessions, 3);
    }

    #[test]
    fn a_request_is_sent_with_what_the_one_before_taught_and_the_last_steps() {
        let mut replay = Replay::new();
        let post = replay.enter(POST, &made(7));
        replay.learn(&post, Some(&made(5)));
        let mut next = replay.enter(&get("/orders/7", "somebody"), &made(0));
        let sent = replay.put_in(&mut next).unwrap();
        let wanted = get("/orders/5", "somebody").replace("\r\n\r\n", "\r\nX-Copy: replay\r\n\r\n");
        assert_eq!(sent, wanted);
        assert_eq!(
            (next.method(), next.target()),
            (&b"GET"[..], &b"/orders/5"[..])
        );
        let sums = replay.sessions.sums();
        assert_eq!((sums.ids, sums.learned, sums.unpaired), (1, 1, 0));
    }

    #[test]
    fn what_the_target_did_not_make_is_unpaired() {
        let mut replay = Replay::new();
        let post = replay.enter(POST, &made(7));
        replay.learn(&post, None);
        let mut next = replay.enter(&get("/orders/7", "somebody"), &made(0));
        assert_eq!(replay.put_in(&mut next), Err("unpaired"));
        assert_eq!(replay.sessions.sums().unpaired, 1);
    }

    #[test]
    fn a_cookie_from_before_the_capture_goes_as_it_was_and_is_counted() {
        let mut replay = Replay::new();
        let mut job = replay.enter(&get("/", "of-yesterday"), &made(0));
        let sent = replay.put_in(&mut job).unwrap();
        assert!(sent.contains("\r\nCookie: sid=of-yesterday\r\n"), "{sent}");
        assert_eq!(replay.sessions.sums().earlier_cookies, 1);
    }

    #[test]
    fn a_form_in_chunks_is_sent_with_its_length_where_something_is_put_in() {
        let mut replay = Replay::new();
        let post = replay.enter(POST, &made(7));
        replay.learn(&post, Some(&made(50)));
        let form = |id: &str| {
            format!(
                "POST /lines HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\norder_id={id}\r\n0\r\n\r\n",
                9 + id.len()
            )
        };
        let mut other = replay.enter(&form("none"), &made(0));
        let sent = replay.put_in(&mut other).unwrap();
        assert!(
            sent.ends_with("\r\n\r\nd\r\norder_id=none\r\n0\r\n\r\n"),
            "{sent}"
        );
        let mut own = replay.enter(&form("7"), &made(0));
        let sent = replay.put_in(&mut own).unwrap();
        assert!(sent.ends_with("\r\n\r\norder_id=50"), "{sent}");
        assert!(
            sent.contains("Content-Length: 11\r\n") && !sent.contains("chunked"),
            "{sent}"
        );
    }
}
