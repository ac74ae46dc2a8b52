//! Writes an answer as it comes over the wire, compressed as the client asked for it.

use std::io::Write;

use crate::app::{Body, Reply};

#[derive(Clone, Debug)]
pub(crate) struct Wire {
    pub status: u16,
    pub headers: Vec<(Vec<u8>, Vec<u8>)>,
    pub body: Vec<u8>,
}

pub(crate) fn write(reply: &Reply, encoding: &str) -> Wire {
    let plain = match &reply.body {
        Body::Json(value) => value.to_string().into_bytes(),
        Body::Text(text) => text.clone().into_bytes(),
        Body::Bytes(bytes) => bytes.clone(),
    };
    let is_packed = encoding != "identity" && plain.len() > 200;
    let body = if is_packed {
        pack(&plain, encoding)
    } else {
        plain
    };
    let mut headers: Vec<(Vec<u8>, Vec<u8>)> = reply
        .headers
        .iter()
        .map(|(name, value)| (name.clone().into_bytes(), value.clone().into_bytes()))
        .collect();
    headers.push((
        b"Content-Length".to_vec(),
        body.len().to_string().into_bytes(),
    ));
    if is_packed {
        headers.push((b"Content-Encoding".to_vec(), encoding.as_bytes().to_vec()));
    }
    Wire {
        status: reply.status,
        headers,
        body,
    }
}

fn pack(plain: &[u8], encoding: &str) -> Vec<u8> {
    match encoding {
        "gzip" => {
            let mut encoder =
                flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(plain).expect("memory takes all");
            encoder.finish().expect("memory takes all")
        }
        "br" => {
            let mut packed = Vec::new();
            let parameters = brotli::enc::BrotliEncoderParams {
                quality: 1,
                ..Default::default()
            };
            brotli::BrotliCompress(&mut &*plain, &mut packed, &parameters)
                .expect("memory takes all");
            packed
        }
        _ => zstd::encode_all(plain, 1).expect("memory takes all"),
    }
}
