//! What the user wrote (serde) becomes what the program uses: types that can't be wrong.
//!
//! Every mistake is found in one go, with the place that said it, its key, and what would be right. Nothing
//! here opens a socket or reads a certificate.

mod address;
mod capture;
mod change;
mod compare;
mod diagnostics;
mod endpoint;
mod file_format;
mod file_pattern;
mod identity;
mod load;
mod merge;
mod mistake;
mod network;
mod pattern;
mod reader;
mod rewrite;
mod sampling;
mod script;
mod sections;
mod select;
mod select_reading;
mod shadow;
mod units;
mod unreachable_rules;

use std::num::NonZeroUsize;

use serde::Serialize;

pub(crate) use address::Address;
pub(crate) use capture::{Capture, CapturedResponses, ClientKey, Redact};
pub(crate) use change::{changed_tables, is_same};
pub(crate) use compare::{Compare, ShadowRole};
pub(crate) use endpoint::{ClientTls, Listen, Mode, Primary, ServerTls};
pub(crate) use file_format::{Compression, ENDINGS as FORMAT_ENDINGS, Format};
pub(crate) use file_pattern::FilePattern;
pub(crate) use identity::Identity;
pub(crate) use load::Sources;
pub(crate) use merge::{Dict, Flags, Value};
pub(crate) use mistake::Mistake;
pub(crate) use network::ClientAddress;
pub(crate) use pattern::Pattern;
pub(crate) use rewrite::{Authorization, Cookies, Query, Rewrite, is_line};
pub(crate) use sampling::{By, Key, Limit, OrderBy, Sample, SendWhen, WithoutKey};
pub(crate) use script::{OwnScript, Script, WhenDown, words};
pub(crate) use sections::{
    Admin, Forwarded, Limits, Log, LogFormat, Mark, RequestId, Stop, Takeover, Timeouts,
};
pub(crate) use select::{Action, Rule, Select, as_map};
pub(crate) use shadow::{Build, HostHeader, Shadow};
pub(crate) use units::{FieldName, MASK, Percent, Secret, is_default, is_secret_name};

use reader::Table;

/// The whole configuration, valid and with every default filled in.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Config {
    /// Worker threads.
    pub(crate) workers: usize,
    /// Threads that look after shadows, where it is not one for each shadow.
    pub(crate) shadow_threads: Option<usize>,
    pub(crate) listen: Vec<Listen>,
    pub(crate) primary: Primary,
    pub(crate) timeouts: Timeouts,
    pub(crate) limits: Limits,
    pub(crate) shadow: Vec<Shadow>,
    /// For the copies of every shadow that has none of its own.
    pub(crate) script: Option<Script>,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) client_address: ClientAddress,
    pub(crate) capture: Option<Capture>,
    pub(crate) mark: Mark,
    pub(crate) request_id: RequestId,
    pub(crate) forwarded: Forwarded,
    pub(crate) admin: Option<Admin>,
    pub(crate) takeover: Option<Takeover>,
    pub(crate) log: Log,
    pub(crate) stop: Stop,
    pub(crate) compare: Compare,
}

/// The parts of a configuration that name files; `None` where one is missing or wrong.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    pub(crate) listen: Vec<Option<Listen>>,
    pub(crate) primary: Option<Primary>,
    pub(crate) shadow: Vec<Option<Shadow>>,
    pub(crate) script: Option<Script>,
    pub(crate) compare: Option<Compare>,
}

/// All mistakes of a configuration, and those parts of it whose files can be checked all the same.
#[derive(Debug)]
pub(crate) struct Wrong {
    pub(crate) mistakes: Vec<Mistake>,
    pub(crate) parts: Box<Parts>,
}

impl From<Vec<Mistake>> for Wrong {
    fn from(mistakes: Vec<Mistake>) -> Self {
        Self {
            mistakes,
            parts: Box::default(),
        }
    }
}

impl Config {
    /// The script that a shadow's copies go through, and the key that says so.
    pub(crate) fn script_of<'a>(&'a self, shadow: &'a Shadow) -> Option<(String, &'a Script)> {
        match &shadow.script {
            Some(OwnScript::Off) => None,
            Some(OwnScript::Own(script)) => {
                Some((format!("shadow.{}.script", shadow.name), script))
            }
            None => Some(("script".into(), self.script.as_ref()?)),
        }
    }

    /// All of it as TOML, with masks for secrets.
    ///
    /// # Errors
    /// Where something of it can't be said in TOML.
    pub(crate) fn shown(&self) -> Result<String, toml::ser::Error> {
        toml::to_string_pretty(self)
    }

    /// The parts that name files.
    pub(crate) fn parts(&self) -> Parts {
        Parts {
            listen: self.listen.iter().cloned().map(Some).collect(),
            primary: Some(self.primary.clone()),
            shadow: self.shadow.iter().cloned().map(Some).collect(),
            script: self.script.clone(),
            compare: Some(self.compare.clone()),
        }
    }

    /// Reads the top level.
    ///
    /// # Errors
    /// The parts that could be read, where something without a default is missing or wrong.
    fn read(mut table: Table<'_>) -> Result<Self, Box<Parts>> {
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let workers = table.within("workers", cores, 1..=1024);
        let shadow_threads = table.optional_within("shadow_threads", 1..=64);
        if !table.has("listen") {
            table.mistake("listen", &format!("is missing; {WHERE_TO_LISTEN}"));
        } else if table.is_empty_list("listen") {
            table.mistake("listen", &format!("is empty; {WHERE_TO_LISTEN}"));
        }
        let listen = table.tables("listen", Some("address"));
        let listen = listen.into_iter().map(Listen::read).collect();
        let primary = Primary::read(table.table("primary"));
        let timeouts = Timeouts::read(table.table("timeouts"));
        let limits = Limits::read(table.table("limits"));
        let shadow = shadow::read_all(&mut table);
        let script = table.optional_table("script").and_then(Script::read);
        let client_address = ClientAddress::read(table.table("client_address"));
        let capture = table.optional_table("capture").and_then(Capture::read);
        let mark = Mark::read(table.table("mark"));
        let request_id = RequestId::read(table.table("request_id"));
        let forwarded = Forwarded::read(table.table("forwarded"));
        let admin = table.optional_table("admin").and_then(Admin::read);
        let takeover = table.optional_table("takeover").and_then(Takeover::read);
        let log = Log::read(table.table("log"));
        let stop = Stop::read(table.table("stop"));
        let compare = Compare::read(table.table("compare"));
        let parts = Box::new(Parts {
            listen,
            primary,
            shadow,
            script,
            compare: Some(compare.clone()),
        });
        two_listeners_at_one_place(&parts.listen, admin.as_ref(), &table);
        no_request_goes_round(&parts, &table);
        if mark.header.is(request_id.header.spelling()) {
            let what = "is the header of the mark, too; give each its own";
            table.mistake("request_id.header", what);
        }
        marks_are_left_alone(&parts.shadow, [&mark.header, &request_id.header], &table);
        clients_are_known(&parts, &client_address, &table);
        table.finish();
        if parts.listen.iter().any(Option::is_none) || parts.shadow.iter().any(Option::is_none) {
            return Err(parts);
        }
        let Some(primary) = parts.primary else {
            return Err(parts);
        };
        Ok(Self {
            workers,
            shadow_threads,
            listen: parts.listen.into_iter().flatten().collect(),
            primary,
            timeouts,
            limits,
            shadow: parts.shadow.into_iter().flatten().collect(),
            script: parts.script,
            client_address,
            capture,
            mark,
            request_id,
            forwarded,
            admin,
            takeover,
            log,
            stop,
            compare,
        })
    }
}

const WHERE_TO_LISTEN: &str = "say where clients connect, for example listen = [\"unix:/run/shadowtee/http.sock\"] \
     or --listen 127.0.0.1:8080";

fn two_listeners_at_one_place(listen: &[Option<Listen>], admin: Option<&Admin>, table: &Table<'_>) {
    let addresses = listen.iter().map(|one| Some(&one.as_ref()?.address));
    let addresses: Vec<_> = addresses.collect();
    let is_among = |others: &[Option<&Address>], address: &Address| {
        let mut others = others.iter().flatten();
        others.any(|other| other.is_same_place(address))
    };
    for (index, address) in addresses.iter().enumerate() {
        let Some(address) = address.filter(|address| is_among(&addresses[..index], address)) else {
            continue;
        };
        let what = format!("{address} is listened on twice; remove one");
        table.mistake(&format!("listen[{index}].address"), &what);
    }
    if let Some(admin) = admin.filter(|admin| is_among(&addresses, &admin.address)) {
        let what = format!(
            "{} is where clients connect, too; give the administration an address of its own",
            admin.address
        );
        table.mistake("admin.address", &what);
    }
}

fn no_request_goes_round(parts: &Parts, table: &Table<'_>) {
    let Some(primary) = &parts.primary else {
        return;
    };
    let mut listen = parts.listen.iter().flatten();
    if listen.any(|one| one.address.is_same_place(&primary.address)) {
        let what = format!(
            "{} is where clients connect, so that every request would come back for ever; say where the application is",
            primary.address
        );
        table.mistake("primary.address", &what);
    }
}

/// What shadowtee itself writes into copies is no shadow's to change.
fn marks_are_left_alone(shadows: &[Option<Shadow>], own: [&FieldName; 2], table: &Table<'_>) {
    for (index, shadow) in shadows.iter().enumerate() {
        let Some(shadow) = shadow else { continue };
        for header in own.map(FieldName::spelling) {
            if shadow.rewrite.headers.touches(header) {
                let what = format!(
                    "can't change {header}: shadowtee writes it, and what it says has to stay true"
                );
                table.mistake(&format!("shadow[{index}].rewrite.headers"), &what);
            }
        }
    }
}

/// Settings that ask for the client's address need a source of it.
fn clients_are_known(parts: &Parts, client_address: &ClientAddress, table: &Table<'_>) {
    let on_tcp = |listen: &Listen| !matches!(listen.address, Address::Unix(_));
    if client_address.header.is_some() || parts.listen.iter().flatten().any(on_tcp) {
        return;
    }
    let asks = |key: &str| {
        table.mistake(
            key,
            "asks for the client's address, which is unknown behind a unix socket, so that it can never match; \
             set [client_address] header and trusted",
        );
    };
    let by_client = |script: &Script| script.by == Some(Key::Client);
    if parts.script.as_ref().is_some_and(by_client) {
        asks("script.by");
    }
    for (index, shadow) in parts.shadow.iter().enumerate() {
        if let Some(key) = shadow.as_ref().and_then(Shadow::asks_for_client) {
            asks(&format!("shadow[{index}].{key}"));
        }
    }
}
