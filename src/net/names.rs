//! The addresses of one host name, kept for a while.
//!
//! The system is asked on a thread of its own, one lookup at a time: a name server that says nothing holds up neither a
//! runtime nor the lookups of other names. Each address in the configuration has its own, so that the primary's never
//! waits behind a shadow's.

use std::{
    fs, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, ToSocketAddrs},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use tokio::{sync::Notify, time::timeout_at};

use crate::telemetry::rate::RateLimit;

/// Asks the system for the addresses of a name, and blocks for as long as that takes.
type Ask = fn(&str) -> io::Result<Vec<IpAddr>>;

/// The addresses of one host name.
pub(super) struct Names {
    host: String,
    ask: Ask,
    state: Mutex<State>,
    /// A lookup has ended.
    ended: Notify,
    failures: RateLimit,
}

#[derive(Default)]
struct State {
    /// The last answer that was one, and since when it is known.
    good: Option<(Arc<[IpAddr]>, Instant)>,
    /// How the last lookup failed, and when it did.
    failed: Option<(Arc<io::Error>, Instant)>,
    /// When the lookup began that is under way.
    asking: Option<Instant>,
}

/// Age up to which an answer is used as it is.
const FRESH: Duration = Duration::from_secs(5);
/// After that it is looked up again while the old answer is used. From this age on, the new one is waited for.
const OLD: Duration = Duration::from_secs(60);
/// Limit of that wait, from the start of the lookup: then the old answer is used.
const GRACE: Duration = Duration::from_millis(250);
/// How long a name without an address is not looked up again.
const FAILED: Duration = Duration::from_secs(1);

/// What is to be done about a name now.
enum Step {
    Serve(Arc<[IpAddr]>),
    Fail(Arc<io::Error>),
    /// Until a lookup has ended, or until a time.
    Wait(Option<Instant>),
}

impl Names {
    pub(super) fn new(host: &str) -> Arc<Self> {
        Self::asking(host, look_up)
    }

    fn asking(host: &str, ask: Ask) -> Arc<Self> {
        Arc::new(Self {
            host: host.to_owned(),
            ask,
            state: Mutex::default(),
            ended: Notify::new(),
            failures: RateLimit::new(1, Duration::from_secs(60)),
        })
    }

    /// The addresses of the name, at least one.
    ///
    /// # Errors
    /// Where no lookup has ever found one, and the last one failed.
    pub(super) async fn addresses(self: &Arc<Self>) -> io::Result<Arc<[IpAddr]>> {
        loop {
            let mut ended = std::pin::pin!(self.ended.notified());
            ended.as_mut().enable();
            match self.step(Instant::now()) {
                Step::Serve(addresses) => return Ok(addresses),
                Step::Fail(error) => return Err(io::Error::new(error.kind(), error)),
                Step::Wait(None) => ended.await,
                // Over, the next step serves what is there.
                Step::Wait(Some(until)) => drop(timeout_at(until.into(), ended).await),
            }
        }
    }

    fn step(self: &Arc<Self>, now: Instant) -> Step {
        let mut state = self.state.lock();
        let age = |since: Instant| now.saturating_duration_since(since);
        let is_fresh = matches!(state.good, Some((_, since)) if age(since) < FRESH);
        let has_failed = matches!(state.failed, Some((_, since)) if age(since) < FAILED);
        if !is_fresh && !has_failed && state.asking.is_none() {
            state.asking = Some(now);
            if let Err(error) = self.begin() {
                state.end(Err(error));
            }
        }
        match (&state.good, state.asking) {
            (Some((_, since)), Some(began)) if age(*since) >= OLD && age(began) < GRACE => {
                Step::Wait(Some(began + GRACE))
            }
            (Some((addresses, _)), _) => Step::Serve(Arc::clone(addresses)),
            (None, Some(_)) => Step::Wait(None),
            (None, None) => Step::Fail(match &state.failed {
                Some((error, _)) => Arc::clone(error),
                None => Arc::new(no_address()),
            }),
        }
    }

    fn begin(self: &Arc<Self>) -> io::Result<()> {
        let names = Arc::clone(self);
        let look_up = move || {
            let found = (names.ask)(&names.host);
            if let Err(error) = &found
                && let Some(left_out) = names.failures.allow()
            {
                tracing::warn!(
                    host = names.host,
                    %error,
                    left_out,
                    "a name lookup failed; the last addresses serve on, where there are any"
                );
            }
            names.state.lock().end(found);
            names.ended.notify_waiters();
        };
        let thread = thread::Builder::new().name("name lookup".into());
        thread.spawn(look_up).map(drop)
    }
}

impl State {
    fn end(&mut self, found: io::Result<Vec<IpAddr>>) {
        let now = Instant::now();
        self.asking = None;
        match found {
            Ok(addresses) => {
                self.good = Some((addresses.into(), now));
                self.failed = None;
            }
            Err(error) => self.failed = Some((Arc::new(error), now)),
        }
    }
}

fn no_address() -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, "no address")
}

/// Asks the machine's own file first, whatever it is set up to do, and a name server only for what is not there.
fn look_up(host: &str) -> io::Result<Vec<IpAddr>> {
    let file = fs::read_to_string(HOSTS).unwrap_or_default();
    let found = of_file(&file, host);
    let found = if !found.is_empty() {
        found
    } else if is_localhost(host) {
        vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]
    } else {
        let found = (host, 0).to_socket_addrs()?;
        found.map(|address| address.ip()).collect()
    };
    if found.is_empty() {
        return Err(no_address());
    }
    Ok(found)
}

/// hosts(5).
const HOSTS: &str = "/etc/hosts";

/// The addresses that a file of hosts(5) has for a name, those of IPv6 first, as getaddrinfo(3) sorts them (RFC 6724).
fn of_file(file: &str, host: &str) -> Vec<IpAddr> {
    let host = host.strip_suffix('.').unwrap_or(host);
    let mut found = Vec::new();
    for line in file.lines() {
        let line = line.split_once('#').map_or(line, |(line, _)| line);
        let mut words = line.split_whitespace();
        if let Some(Ok(address)) = words.next().map(str::parse)
            && words.any(|name| name.eq_ignore_ascii_case(host))
            && !found.contains(&address)
        {
            found.push(address);
        }
    }
    found.sort_by_key(IpAddr::is_ipv4);
    found
}

/// A name that always means this machine (RFC 6761, 6.3).
fn is_localhost(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let last = host.rsplit('.').next().unwrap_or_default();
    last.eq_ignore_ascii_case("localhost")
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    use super::*;

    const ONE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

    fn state(names: &Names) -> parking_lot::MutexGuard<'_, State> {
        names.state.lock()
    }

    /// A name whose last answer is so old.
    fn known(ask: Ask, age: Duration) -> Arc<Names> {
        let names = Names::asking("a.example", ask);
        let since = Instant::now().checked_sub(age).unwrap();
        state(&names).good = Some(([ONE].into(), since));
        names
    }

    fn never(_: &str) -> io::Result<Vec<IpAddr>> {
        loop {
            thread::park();
        }
    }

    fn fails(_: &str) -> io::Result<Vec<IpAddr>> {
        Err(io::Error::other("no name server answers"))
    }

    #[tokio::test]
    async fn all_who_ask_at_one_time_share_one_lookup() {
        static LOOKUPS: AtomicUsize = AtomicUsize::new(0);
        let names = Names::asking("a.example", |_| {
            LOOKUPS.fetch_add(1, SeqCst);
            thread::sleep(Duration::from_millis(50));
            Ok(vec![ONE])
        });
        let asked: Vec<_> = (0..20)
            .map(|_| {
                let names = Arc::clone(&names);
                tokio::spawn(async move { names.addresses().await.unwrap() })
            })
            .collect();
        for asked in asked {
            assert_eq!(*asked.await.unwrap(), [ONE]);
        }
        assert_eq!(*names.addresses().await.unwrap(), [ONE]);
        assert_eq!(LOOKUPS.load(SeqCst), 1);
    }

    #[tokio::test]
    async fn an_answer_that_is_no_longer_fresh_serves_while_a_silent_name_server_is_asked_once() {
        for age in [FRESH, OLD, 10 * OLD] {
            let names = known(never, age);
            for _ in 0..3 {
                assert_eq!(*names.addresses().await.unwrap(), [ONE]);
                assert!(state(&names).asking.is_some());
            }
        }
    }

    #[tokio::test]
    async fn the_last_good_answer_outlives_lookups_that_fail() {
        let names = known(fails, OLD);
        for _ in 0..3 {
            assert_eq!(*names.addresses().await.unwrap(), [ONE]);
        }
        assert!(state(&names).failed.is_some());
    }

    #[tokio::test]
    async fn a_new_answer_takes_the_place_of_the_old_one() {
        const TWO: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2));
        let names = known(|_| Ok(vec![TWO]), OLD);
        assert_eq!(*names.addresses().await.unwrap(), [TWO]);
        assert!(state(&names).asking.is_none());
    }

    #[tokio::test]
    async fn a_name_without_address_fails_and_is_not_looked_up_for_each_who_asks() {
        static LOOKUPS: AtomicUsize = AtomicUsize::new(0);
        let names = Names::asking("a.example", |name| {
            LOOKUPS.fetch_add(1, SeqCst);
            fails(name)
        });
        for _ in 0..10 {
            let error = names.addresses().await.unwrap_err();
            assert_eq!(error.to_string(), "no name server answers");
        }
        // One more where the ten took longer than a failure is kept.
        assert!(LOOKUPS.load(SeqCst) <= 2);
    }

    #[test]
    fn a_file_of_hosts_is_read_as_the_system_reads_it() {
        let file = "# 192.0.2.9 app\n192.0.2.1 app.example app # the application\n\n2001:db8::1\tAPP\nodd app\n192.0.2.1 app";
        let two = "2001:db8::1".parse().unwrap();
        assert_eq!(of_file(file, "app"), [two, ONE]);
        assert_eq!(of_file(file, "App."), [two, ONE]);
        assert_eq!(of_file(file, "app.example"), [ONE]);
        assert!(of_file(file, "the").is_empty() && of_file(file, "192.0.2.1").is_empty());
    }

    #[test]
    fn localhost_is_this_machine_whatever_anybody_says() {
        for name in ["localhost", "LocalHost.", "app.localhost"] {
            assert!(is_localhost(name), "{name}");
            assert!(look_up(name).unwrap().iter().all(IpAddr::is_loopback));
        }
        for name in ["localhost.example", "notlocalhost", ""] {
            assert!(!is_localhost(name), "{name}");
        }
    }
}
