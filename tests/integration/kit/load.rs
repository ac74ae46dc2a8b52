//! Load from clients that keep their connections, send GET and POST in turn, and know of each request whether it was
//! answered as it should be.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::client::{Client, get, post};
use super::eventually;

/// What one request came to, when it was not what it should be.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) request: String,
    pub(crate) what: String,
}

#[derive(Default)]
struct State {
    ends: AtomicBool,
    answered: AtomicU64,
    failures: Mutex<Vec<Failure>>,
}

/// Clients that go on until they are ended. The server has to answer as `tells` does.
pub(crate) struct Load {
    state: Arc<State>,
    clients: Vec<JoinHandle<()>>,
}

impl Load {
    pub(crate) fn on(address: &str, clients: usize) -> Self {
        Self::start(address, clients, Duration::ZERO)
    }

    /// As that, of clients that rest after each answer: copies come only as fast as they can be sent where production
    /// leaves processor time for that.
    pub(crate) fn gently(address: &str, clients: usize) -> Self {
        Self::start(address, clients, Duration::from_millis(3))
    }

    fn start(address: &str, clients: usize, rest: Duration) -> Self {
        let state = Arc::new(State::default());
        let client = |number| {
            let (state, address) = (Arc::clone(&state), address.to_owned());
            thread::spawn(move || run(&state, &address, number, rest))
        };
        let clients = (0..clients).map(client).collect();
        let load = Self { state, clients };
        load.goes_on();
        load
    }

    /// Waits until some more requests were answered.
    #[track_caller]
    pub(crate) fn goes_on(&self) {
        self.goes_on_for(8);
    }

    #[track_caller]
    pub(crate) fn goes_on_for(&self, many: u64) {
        let wanted = self.state.answered.load(SeqCst) + many;
        eventually("answers under load", || {
            (self.state.answered.load(SeqCst) >= wanted).then_some(())
        });
    }

    /// Ends it; every request must have been answered. Returns how many there were.
    #[track_caller]
    pub(crate) fn end(self) -> u64 {
        let (answered, failures) = self.finish();
        assert!(
            failures.is_empty(),
            "of {answered} requests failed {failures:#?}"
        );
        answered
    }

    /// Ends it, and tells how many were answered and which were not.
    #[track_caller]
    pub(crate) fn finish(self) -> (u64, Vec<Failure>) {
        self.state.ends.store(true, SeqCst);
        for client in self.clients {
            client.join().expect("a client");
        }
        let failures = self.state.failures.lock().unwrap().clone();
        (self.state.answered.load(SeqCst), failures)
    }
}

fn run(state: &State, address: &str, number: usize, rest: Duration) {
    let mut connection = None;
    let body = "x".repeat(300);
    for n in 0_u64.. {
        if state.ends.load(SeqCst) {
            return;
        }
        // A connection remembers all that came on it.
        if n % 500 == 499 {
            connection = None;
        }
        let target = format!("/{number}/{n}");
        let (request, answer) = if n % 2 == 0 {
            (get(&target), format!("GET {target} 0"))
        } else {
            (post(&target, &body), format!("POST {target} 300"))
        };
        let outcome = ask(&mut connection, address, &request).and_then(|(status, text)| {
            if (status, &text) == (200, &answer) {
                Ok(())
            } else {
                Err(format!("{status} {text}"))
            }
        });
        match outcome {
            Ok(()) => {
                state.answered.fetch_add(1, SeqCst);
                thread::sleep(rest);
            }
            Err(what) => {
                connection = None;
                let request = request.lines().next().unwrap_or_default().to_owned();
                state
                    .failures
                    .lock()
                    .unwrap()
                    .push(Failure { request, what });
            }
        }
    }
}

fn ask(
    connection: &mut Option<Client>,
    address: &str,
    request: &str,
) -> Result<(u16, String), String> {
    let shown = |error: std::io::Error| error.to_string();
    let mut client = match connection.take() {
        Some(client) => client,
        None => Client::try_connect(address).map_err(shown)?,
    };
    client.try_send(request).map_err(shown)?;
    let answer = client.try_answer().map_err(shown)?;
    let told = (answer.status(), answer.text());
    let closes = answer
        .header("connection")
        .is_some_and(|options| options.eq_ignore_ascii_case("close"));
    if !closes {
        *connection = Some(client);
    }
    Ok(told)
}
