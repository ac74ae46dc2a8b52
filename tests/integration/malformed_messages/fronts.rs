//! nginx, HAProxy and shadowtee, each before a server of its own that can be asked what it got and told what to say.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::kit::{At, HaProxy, Message, Nginx, Server, Tee, finish, need};

/// One of the three, with the server behind it.
pub(crate) struct Front {
    address: String,
    server: Server,
    /// What the server answers.
    answer: Arc<Mutex<Vec<u8>>>,
    /// Whether it has to write clean messages.
    pub(crate) is_tee: bool,
}

pub(crate) struct Fronts {
    each: [Front; 3],
    _programs: (Nginx, HaProxy, Tee),
}

/// What the server says while requests are looked at.
const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";

impl Fronts {
    pub(crate) fn start() -> Self {
        let [one, two, three] = [0; 3].map(|_| {
            let answer = Arc::new(Mutex::new(OK.to_vec()));
            let said = Arc::clone(&answer);
            let server = Server::unix(move |conn| {
                conn.request()?;
                let said = said.lock().unwrap().clone();
                conn.send(said)
            });
            (server, answer)
        });
        let nginx = Nginx::unix(
            "",
            &format!(
                "location / {{ proxy_pass http://{}; proxy_http_version 1.1; proxy_set_header Host $http_host;
                 proxy_set_header Connection \"\"; proxy_ignore_client_abort on; proxy_buffer_size 1m;
                 proxy_buffers 8 1m; proxy_busy_buffers_size 2m; }}",
                one.0.at()
            ),
        );
        let haproxy = HaProxy::before(&two.0);
        let tee = Tee::with_primary(&three.0).start();
        let front = |address: String, (server, answer): (Server, _)| Front {
            is_tee: address == tee.at(),
            address,
            server,
            answer,
        };
        Self {
            each: [
                front(nginx.at(), one),
                front(haproxy.at(), two),
                front(tee.at(), three),
            ],
            _programs: (nginx, haproxy, tee),
        }
    }

    pub(crate) fn each(&self) -> [&Front; 3] {
        self.each.each_ref()
    }

    /// `nginx 1.2.3` and `HAProxy 4.5.6`.
    pub(crate) fn versions() -> [String; 2] {
        ["nginx", "haproxy"].map(|program| {
            let told = finish(Command::new(need(program)).arg("-v"));
            let told = [told.stdout, told.stderr].concat();
            let told = String::from_utf8_lossy(&told).into_owned();
            let words = told.split([' ', '/']).map(str::trim);
            let version = words
                .filter(|word| word.starts_with(|first: char| first.is_ascii_digit()))
                .map(|word| word.split(['\n', '-']).next().unwrap_or_default())
                .next();
            let name = if program == "nginx" {
                program
            } else {
                "HAProxy"
            };
            format!("{name} {}", version.expect("a version"))
        })
    }
}

impl Front {
    /// Sends these bytes and no more: what came back, and the requests that arrived at the server.
    pub(crate) fn send(&self, request: &[u8]) -> (Vec<u8>, Vec<Message>) {
        self.exchange(request, OK, Shutdown::Write)
    }

    /// What a client gets when the server answers with these bytes and ends. The request asks for the end, too.
    pub(crate) fn get(&self, request: &str, answer: &[u8]) -> Vec<u8> {
        self.exchange(request.as_bytes(), answer, None).0
    }

    fn exchange(
        &self,
        request: &[u8],
        answer: &[u8],
        end: impl Into<Option<Shutdown>>,
    ) -> (Vec<u8>, Vec<Message>) {
        answer.clone_into(&mut self.answer.lock().unwrap());
        let before = self.server.requests().len();
        let path = self.address.strip_prefix("unix:").expect("a unix socket");
        let mut stream = UnixStream::connect(path).expect("connecting");
        stream
            .set_read_timeout(Some(Duration::from_secs(10)))
            .expect("a timeout");
        // One that refuses may close before all is written.
        let _ = stream.write_all(request);
        if let Some(end) = end.into() {
            let _ = stream.shutdown(end);
        }
        let mut came = Vec::new();
        let _ = stream.read_to_end(&mut came);
        let mut requests = self.server.requests();
        (came, requests.split_off(before))
    }
}
