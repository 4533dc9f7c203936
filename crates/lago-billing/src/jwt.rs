use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use rustls::{SignatureScheme, crypto::ring};
use rustls_pki_types::{SubjectPublicKeyInfoDer, pem::PemObject};
use serde::Deserialize;

/// The DER of the algorithm `rsaEncryption` with its empty parameters (RFC 3279, 2.3.1).
const RSA_ENCRYPTION: &[u8] =
    &[0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

/// The key with which Lago signs events of the kind `jwt`: RSA of 2 048 bits or more.
#[derive(Clone, PartialEq, Eq)]
pub struct LagoPublicKey(Vec<u8>);

impl std::fmt::Debug for LagoPublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LagoPublicKey(..)")
    }
}

impl LagoPublicKey {
    /// Reads a key: PEM, or, as Lago gives it, PEM or DER in base64. `None` for anything that is no RSA key.
    pub fn parse(text: &str) -> Option<Self> {
        let whole: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
        let decoded = STANDARD.decode(whole).unwrap_or_else(|_| text.as_bytes().to_vec());
        let info = SubjectPublicKeyInfoDer::from_pem_slice(&decoded).map_or(decoded, |info| info.as_ref().to_vec());
        let key = rsa_key(&info).or_else(|| is_bare(&info).then_some(&*info))?;
        Some(Self(key.to_vec()))
    }

    /// Whether a token (RFC 7519) was signed with RS256 by this key's owner for exactly these bytes.
    pub(crate) fn signed(&self, token: &str, body: &[u8]) -> bool {
        self.data(token).is_some_and(|data| data.as_bytes() == body)
    }

    /// What a token says was sent, if its signature is right.
    fn data(&self, token: &str) -> Option<String> {
        #[derive(Deserialize)]
        struct Header {
            alg: String,
        }
        #[derive(Deserialize)]
        struct Claims {
            data: String,
        }
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        // The algorithm is ours to choose: `none`, or a symmetric one with the public key as its secret, is no signature.
        let header: Header = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
        if header.alg != "RS256" {
            return None;
        }
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        let known = ring::default_provider().signature_verification_algorithms.mapping;
        let (_, rs256) = known.iter().find(|(scheme, _)| *scheme == SignatureScheme::RSA_PKCS1_SHA256)?;
        rs256.first()?.verify_signature(&self.0, signed.as_bytes(), &signature).ok()?;
        let claims: Claims = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
        Some(claims.data)
    }
}

/// The key inside a `SubjectPublicKeyInfo` (RFC 5280, 4.1): the bits of its second member, which for RSA are a PKCS #1 key.
fn rsa_key(info: &[u8]) -> Option<&[u8]> {
    let (members, after) = element(info, 0x30)?;
    let (bits, rest) = element(members.strip_prefix(RSA_ENCRYPTION)?, 0x03)?;
    // No bit of the last byte is left over.
    let key = bits.strip_prefix(&[0])?;
    (after.is_empty() && rest.is_empty()).then_some(key)
}

/// Whether this is a PKCS #1 key (RFC 8017, A.1.1) as it stands: two numbers.
fn is_bare(key: &[u8]) -> bool {
    let numbers =
        element(key, 0x30).filter(|(_, after)| after.is_empty()).and_then(|(content, _)| element(content, 0x02));
    numbers.and_then(|(_, rest)| element(rest, 0x02)).is_some_and(|(_, after)| after.is_empty())
}

/// The content of a DER element with this tag, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (first, rest) = der.strip_prefix(&[tag])?.split_first()?;
    let (length, rest) = if *first < 0x80 {
        (usize::from(*first), rest)
    } else {
        let (bytes, rest) = rest.split_at_checked(usize::from(*first & 0x7f))?;
        if bytes.is_empty() || bytes.len() > 2 {
            return None;
        }
        (bytes.iter().fold(0, |length, byte| length * 256 + usize::from(*byte)), rest)
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_in_each_form_that_lago_gives_it() {
        let pem = include_str!("../tests/lago/public_key.pem");
        let key = LagoPublicKey::parse(pem).unwrap();
        let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let bare = STANDARD.encode(&key.0);
        for text in [STANDARD.encode(pem), body.clone(), format!("{}\n{}\n", &body[..64], &body[64..]), bare] {
            assert_eq!(LagoPublicKey::parse(&text), Some(key.clone()), "{text}");
        }
        // The example of Lago's specification.
        let example =
            "MEgCQQCo9+BpMRYQ/dL3DS2CyJxRF+j6ctbT3/Qp84+KeFhnii7NT7fELilKUSnxS30WAvQCCo2yU1orfgqr41mM70MBAgMBAAE=";
        assert!(LagoPublicKey::parse(example).is_some());
        for bad in ["", "key", "MEgCQQCo", &body[..100], "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----"] {
            assert_eq!(LagoPublicKey::parse(bad), None, "{bad}");
        }
    }
}
