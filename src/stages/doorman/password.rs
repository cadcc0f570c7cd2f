//! Passwords and their hashes.

use crate::domain::password_hash::{self, HashError};
use crate::wire::soup::Password;
use argon2::Argon2;
use argon2::password_hash::rand_core::OsRng;
use argon2::password_hash::{PasswordHashString, PasswordHasher, PasswordVerifier, SaltString};
use std::fmt;
use std::hint::black_box;

/// What a password is checked against. Never shown.
#[derive(Clone)]
pub enum Secret {
    /// The password itself, for trying things out.
    Plain(Password),
    /// Its argon2id hash.
    Hash(PasswordHashString),
}

impl Secret {
    /// Reads a hash in the usual form, `$argon2id$v=19$m=…,t=…,p=…$salt$hash`.
    ///
    /// # Errors
    /// [`HashError`]: the text is none.
    pub fn from_hash(text: &str) -> Result<Self, HashError> {
        password_hash::read(text).map(Self::Hash)
    }

    pub(super) fn as_hash(&self) -> Option<&PasswordHashString> {
        match self {
            Self::Plain(_) => None,
            Self::Hash(hash) => Some(hash),
        }
    }

    /// Whether this is the password. How long that takes tells nothing of it.
    pub(super) fn is(&self, password: &Password) -> bool {
        match self {
            Self::Plain(known) => {
                let differing = known.as_bytes().iter().zip(password.as_bytes());
                black_box(differing.fold(0, |bits, (a, b)| black_box(bits | (a ^ b)))) == 0
            }
            Self::Hash(hash) => matches(password, hash),
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

/// Something that takes as long to check as a hash does.
pub(super) struct Dummy(PasswordHashString);

impl Dummy {
    pub(super) fn like(hash: &PasswordHashString) -> Self {
        Self(hash.clone())
    }

    pub(super) fn spend(&self, password: &Password) {
        black_box(matches(password, &self.0));
    }
}

fn matches(password: &Password, hash: &PasswordHashString) -> bool {
    Argon2::default().verify_password(plain(password), &hash.password_hash()).is_ok()
}

fn plain(password: &Password) -> &[u8] {
    password.as_bytes().trim_ascii_end()
}

/// The hash of a password, with a salt of its own, as [`Secret::from_hash`] reads it. On the wire lower case is the same as
/// upper, and so it is here.
///
/// # Errors
/// [`HashError::NoSalt`].
pub fn hash(password: &Password) -> Result<String, HashError> {
    let salt = SaltString::generate(&mut OsRng);
    let hashed = Argon2::default().hash_password(plain(password), &salt);
    hashed.map(|hash| hash.to_string()).map_err(|_| HashError::NoSalt)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> Password {
        Password::new(text).expect("a password")
    }

    #[test]
    fn a_hash_is_of_one_password_in_any_case_of_letters() {
        let text = hash(&password("Secret1")).expect("a hash");
        assert!(text.starts_with("$argon2id$"), "{text}");
        let secret = Secret::from_hash(&text).expect("readable");
        assert!(secret.is(&password("SECRET1")) && secret.is(&password("secret1")));
        assert!(!secret.is(&password("SECRET")) && !secret.is(&password("SECRET12")));
        assert_ne!(text, hash(&password("Secret1")).expect("a hash"), "another salt every time");
        assert_eq!(format!("{secret:?}"), "Secret(hidden)");
    }

    #[test]
    fn what_is_no_hash_is_refused() {
        for text in
            ["", "SECRET", "$argon2id$v=19$m=19456,t=2,p=1", "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ"]
        {
            assert_eq!(Secret::from_hash(text).err(), Some(HashError::Unreadable), "{text}");
        }
        let other =
            "$argon2i$v=19$m=19456,t=2,p=1$c29tZXNhbHRzYWx0$iekCn0Y3spW+sCcFanM2xBT63UP2sghkUoHLIUpWRS8";
        assert_eq!(Secret::from_hash(other).err(), Some(HashError::OtherAlgorithm));
    }

    #[test]
    fn a_hash_that_costs_too_much_is_refused() {
        let of = |m: u32, t: u32, p: u32| {
            let text = format!(
                "$argon2id$v=19$m={m},t={t},p={p}$c29tZXNhbHRzYWx0$iekCn0Y3spW+sCcFanM2xBT63UP2sghkUoHLIUpWRS8"
            );
            Secret::from_hash(&text).map(drop)
        };
        for (m, t, p) in [(19_456, 2, 1), (65_536, 4, 4), (26_214, 10, 1), (8, 1, 1)] {
            assert_eq!(of(m, t, p), Ok(()), "{m} {t} {p}");
        }
        for (m, t, p) in
            [(65_537, 1, 1), (19_456, 11, 1), (65_536, 5, 1), (19_456, 2, 5), (8, 4_000_000_000, 1)]
        {
            assert_eq!(of(m, t, p), Err(HashError::TooDear { m, t, p }));
        }
    }
}
