//! The two ends of the primary path: where clients connect, and the primary.

use std::path::PathBuf;

use serde::{Deserialize, Serialize, Serializer};

use super::{Address, is_default, reader::Table, units::Span};

/// A place where clients connect.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Listen {
    pub(crate) address: Address,
    /// The access bits of a unix socket's file.
    pub(crate) mode: Option<Mode>,
    /// Who owns a unix socket's file, by name or number.
    pub(crate) owner: Option<String>,
    /// The group of a unix socket's file, by name or number.
    pub(crate) group: Option<String>,
    pub(crate) tls: Option<ServerTls>,
}

impl Listen {
    /// For this user alone, where it is a unix socket.
    pub(crate) fn private(address: Address) -> Self {
        let mode = matches!(address, Address::Unix(_)).then_some(Mode(0o600));
        Self {
            address,
            mode,
            owner: None,
            group: None,
            tls: None,
        }
    }

    pub(super) fn read(mut table: Table<'_>) -> Option<Self> {
        let tip = "for example address = \"unix:/run/shadowtee/http.sock\"";
        let address: Option<Address> = table.required("address", tip);
        let mode = table.optional("mode");
        let [owner, group] = ["owner", "group"].map(|key| table.optional(key));
        let has_tls = table.has("tls");
        let tls = table.optional_table("tls").and_then(ServerTls::read);
        if let Some(Address::Tcp { tls: spelt, .. }) = &address {
            let why = "belongs to a unix socket; this address is a tcp one, remove it";
            let said = [
                ("mode", mode.is_some()),
                ("owner", owner.is_some()),
                ("group", group.is_some()),
            ];
            for (key, _) in said.iter().filter(|(_, is_said)| *is_said) {
                table.mistake(key, why);
            }
            if *spelt && !has_tls {
                let why = "is missing; https:// needs tls = { certificate = \"…\", key = \"…\" }";
                table.mistake("tls", why);
            }
        }
        table.finish();
        let mode =
            mode.or_else(|| matches!(address, Some(Address::Unix(_))).then_some(Mode(0o660)));
        Some(Self {
            address: address?,
            mode,
            owner,
            group,
            tls,
        })
    }
}

/// What this side shows when it is the TLS server. Files are PEM.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ServerTls {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
    /// Where set, clients have to show a certificate that this CA signed.
    pub(crate) client_ca: Option<PathBuf>,
}

impl ServerTls {
    fn read(mut table: Table<'_>) -> Option<Self> {
        for key in ["certificate", "key"] {
            if !table.has(key) {
                table.mistake(key, "is missing; name a file in PEM");
            }
        }
        let (certificate, key) = (table.path("certificate"), table.path("key"));
        table.whole(|table| {
            Some(Self {
                client_ca: table.path("client_ca"),
                certificate: certificate?,
                key: key?,
            })
        })
    }
}

/// How a TLS server is verified, and what this side shows it. Files are PEM.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
pub(crate) struct ClientTls {
    /// The CA that signed the server's certificate; the system's where none is named.
    pub(crate) ca: Option<PathBuf>,
    pub(crate) certificate: Option<PathBuf>,
    pub(crate) key: Option<PathBuf>,
    /// The name that the server's certificate has to bear; the address's host where none is said.
    pub(crate) server_name: Option<String>,
    /// Off: any server is accepted.
    pub(crate) verify: bool,
}

impl Default for ClientTls {
    fn default() -> Self {
        Self::trusting(None, None)
    }
}

impl ClientTls {
    /// A server that this CA, or one of the system's, vouches for under this name, or that of the address.
    pub(crate) fn trusting(ca: Option<PathBuf>, server_name: Option<String>) -> Self {
        Self {
            ca,
            certificate: None,
            key: None,
            server_name,
            verify: true,
        }
    }

    /// Reads `table.tls`, for the address that goes with it.
    pub(super) fn read(table: &mut Table<'_>, address: Option<&Address>) -> Self {
        let said = table.has("tls");
        let mut tls = table.table("tls");
        let said_of_pair = (tls.has("certificate"), tls.has("key"));
        let read = Self {
            ca: tls.path("ca"),
            certificate: tls.path("certificate"),
            key: tls.path("key"),
            server_name: tls.optional("server_name"),
            verify: tls.value("verify", true),
        };
        match said_of_pair {
            (true, false) => tls.mistake("key", "is missing; a client certificate needs its key"),
            (false, true) => tls.mistake("certificate", "is missing; a key needs its certificate"),
            _ => {}
        }
        if read.ca.is_some() && !read.verify {
            let why = "is false beside a ca, which would never be used; remove one";
            tls.mistake("verify", why);
        }
        tls.finish();
        if said && address.is_some_and(|address| !address.is_tls()) {
            let why = "belongs to an https:// address; this one is not encrypted";
            table.mistake("tls", why);
        }
        read
    }
}

/// The real application.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Primary {
    pub(crate) address: Address,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) tls: ClientTls,
    /// Idle connections kept open, for each worker.
    pub(crate) idle_connections: usize,
    /// How long an idle connection is kept; shorter than the primary's own keep-alive, so that it isn't
    /// closed just as a request is written.
    pub(crate) idle_timeout: Span,
}

impl Primary {
    pub(super) fn read(table: Table<'_>) -> Option<Self> {
        table.whole(|table| {
            let address: Option<Address> = table.required(
                "address",
                "say where the application is, for example address = \"unix:/run/app.sock\" or --primary 127.0.0.1:3000",
            );
            let address = table.reachable("address", address);
            Some(Self {
                tls: ClientTls::read(table, address.as_ref()),
                idle_connections: table.value("idle_connections", 512_u32) as usize,
                idle_timeout: table.value("idle_timeout", Span::seconds(4)),
                // Last: all else is read before what is missing ends it.
                address: address?,
            })
        })
    }
}

/// The access bits of a file, written in octal: `"0660"`.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "String")]
pub(crate) struct Mode(pub(crate) u32);

impl TryFrom<String> for Mode {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match u32::from_str_radix(&text, 8) {
            Ok(bits) if bits <= 0o777 => Ok(Self(bits)),
            _ => Err(format!(
                "{text:?} is not a file mode; write it in octal as text, for example \"0660\""
            )),
        }
    }
}

impl Serialize for Mode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:04o}", self.0))
    }
}
