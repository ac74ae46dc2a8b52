//! TLS settings made of PEM files (rustls). The only file that knows rustls-pemfile.

use std::{
    fs::File,
    io::{self, BufReader},
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio_rustls::rustls::{
    self, ClientConfig, DigitallySignedStruct, RootCertStore, ServerConfig, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime},
    server::WebPkiClientVerifier,
};

use crate::config::{Address, ClientTls, ServerTls};

/// Why TLS can't be set up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    #[error("can't read {}", .0.display())]
    Read(PathBuf, #[source] io::Error),
    #[error("{} holds no certificate in PEM; it has to have a block that begins with BEGIN CERTIFICATE", .0.display())]
    NoCertificate(PathBuf),
    #[error("{} holds no private key in PEM; it has to have a block such as BEGIN PRIVATE KEY", .0.display())]
    NoKey(PathBuf),
    #[error("{} can't be used as a CA", .0.display())]
    Ca(PathBuf, #[source] rustls::Error),
    #[error("{} and its key can't be used", .0.display())]
    Pair(PathBuf, #[source] rustls::Error),
    #[error("{0:?} is not a valid name for a certificate")]
    Name(String),
    #[error(
        "this system has no CA certificates (Debian: ca-certificates); name a CA of your own: tls.ca"
    )]
    NoSystemCa,
    #[error("{} can't be used to verify client certificates", .0.display())]
    ClientCa(PathBuf, #[source] rustls::server::VerifierBuilderError),
}

impl TlsError {
    /// The key of the TLS table that it is about.
    fn key(&self) -> &'static str {
        match self {
            Self::Name(_) => "server_name",
            Self::Pair(..) => "certificate",
            Self::Ca(..) | Self::NoSystemCa => "ca",
            Self::ClientCa(..) => "client_ca",
            _ => "",
        }
    }
}

/// What is wrong with each file; where that is nothing, what is wrong with all of them together.
fn or_together<const N: usize>(
    each: [(&'static str, Option<TlsError>); N],
    together: impl FnOnce() -> Option<TlsError>,
) -> Vec<(&'static str, TlsError)> {
    let each = each.into_iter();
    let mut wrong: Vec<_> = each
        .filter_map(|(key, error)| Some((key, error?)))
        .collect();
    if wrong.is_empty() {
        wrong.extend(together().map(|error| (error.key(), error)));
    }
    wrong
}

/// Loads what a listener shows.
pub(crate) struct ServerTlsLoader;

impl ServerTlsLoader {
    /// Everything that is wrong, with the key that names the file.
    pub(crate) fn mistakes(tls: &ServerTls) -> Vec<(&'static str, TlsError)> {
        let client_ca = tls.client_ca.as_deref().map(roots);
        let each = [
            ("certificate", certificates(&tls.certificate).err()),
            ("key", key(&tls.key).err()),
            ("client_ca", client_ca.and_then(Result::err)),
        ];
        or_together(each, || Self::load(tls).err())
    }

    pub(crate) fn load(tls: &ServerTls) -> Result<Arc<ServerConfig>, TlsError> {
        let builder = ServerConfig::builder();
        let builder = match &tls.client_ca {
            None => builder.with_no_client_auth(),
            Some(file) => {
                let verifier = WebPkiClientVerifier::builder(Arc::new(roots(file)?))
                    .build()
                    .map_err(|error| TlsError::ClientCa(file.clone(), error))?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let mut config = builder
            .with_single_cert(certificates(&tls.certificate)?, key(&tls.key)?)
            .map_err(|error| TlsError::Pair(tls.certificate.clone(), error))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

/// Loads how a server is verified and what it is shown.
pub(crate) struct ClientTlsLoader;

impl ClientTlsLoader {
    /// Everything that is wrong, with the key that names the file.
    pub(crate) fn mistakes(tls: &ClientTls, address: &Address) -> Vec<(&'static str, TlsError)> {
        let (ca, certificate) = (tls.ca.as_deref(), tls.certificate.as_deref());
        let each = [
            ("ca", ca.map(roots).and_then(Result::err)),
            (
                "certificate",
                certificate.map(certificates).and_then(Result::err),
            ),
            ("key", tls.key.as_deref().map(key).and_then(Result::err)),
        ];
        or_together(each, || Self::load(tls, address).err())
    }

    /// The settings and the name that the server at `address` has to bear.
    pub(crate) fn load(
        tls: &ClientTls,
        address: &Address,
    ) -> Result<(Arc<ClientConfig>, ServerName<'static>), TlsError> {
        let builder = ClientConfig::builder();
        let builder = if tls.verify {
            builder.with_root_certificates(match &tls.ca {
                Some(file) => roots(file)?,
                None => system_roots()?,
            })
        } else {
            let anybody = Arc::new(Anybody(Arc::clone(builder.crypto_provider())));
            builder
                .dangerous()
                .with_custom_certificate_verifier(anybody)
        };
        let mut config = match (&tls.certificate, &tls.key) {
            (Some(certificate), Some(key_file)) => builder
                .with_client_auth_cert(certificates(certificate)?, key(key_file)?)
                .map_err(|error| TlsError::Pair(certificate.clone(), error))?,
            _ => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let name = match (&tls.server_name, address) {
            (Some(name), _) => name.clone(),
            (None, Address::Tcp { host, .. }) => host.clone(),
            (None, Address::Unix(_)) => "localhost".into(),
        };
        let server_name = ServerName::try_from(name.clone()).map_err(|_| TlsError::Name(name))?;
        Ok((Arc::new(config), server_name))
    }
}

fn open(file: &Path) -> Result<BufReader<File>, TlsError> {
    File::open(file)
        .map(BufReader::new)
        .map_err(|error| TlsError::Read(file.into(), error))
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Vec<_> = rustls_pemfile::certs(&mut open(file)?)
        .collect::<Result<_, _>>()
        .map_err(|error| TlsError::Read(file.into(), error))?;
    if found.is_empty() {
        Err(TlsError::NoCertificate(file.into()))
    } else {
        Ok(found)
    }
}

fn key(file: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    rustls_pemfile::private_key(&mut open(file)?)
        .map_err(|error| TlsError::Read(file.into(), error))?
        .ok_or_else(|| TlsError::NoKey(file.into()))
}

fn roots(file: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(file)? {
        roots
            .add(certificate)
            .map_err(|error| TlsError::Ca(file.into(), error))?;
    }
    Ok(roots)
}

fn system_roots() -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        Err(TlsError::NoSystemCa)
    } else {
        Ok(roots)
    }
}

/// `verify = false`: the handshake's signatures are checked, who signed the certificate is not.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
