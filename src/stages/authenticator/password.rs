//! Passwords and their hashes.

use crate::domain::Password;
use crate::domain::password_hash::{self, HashError};
use argon2::password_hash::rand_core::OsRng;
use argon2::password_hash::{Output, PasswordHash, PasswordHashString, PasswordHasher, SaltString};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use std::fmt;
use std::hint::black_box;

/// The secret that a password is checked against. Never shown.
#[derive(Clone)]
pub enum Secret {
    /// The password itself, for tests and trials.
    Plain(Password),
    /// Its argon2id hash.
    Hash(PasswordHashString),
}

impl Secret {
    /// Reads a hash in the usual form, `$argon2id$v=19$m=…,t=…,p=…$salt$hash`.
    ///
    /// # Errors
    /// [`HashError`]: the text is not an acceptable hash.
    pub fn from_hash(text: &str) -> Result<Self, HashError> {
        password_hash::read(text).map(Self::Hash)
    }

    pub(super) fn as_hash(&self) -> Option<&Hash> {
        match self {
            Self::Plain(_) => None,
            Self::Hash(hash) => Some(hash),
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

/// An argon2id hash in the usual form.
pub(super) type Hash = PasswordHashString;

/// Whether two passwords are equal, in constant time.
pub(super) fn is_same(known: &Password, password: &Password) -> bool {
    let differing = known.0.iter().zip(&password.0);
    black_box(differing.fold(0, |bits, (a, b)| black_box(bits | (a ^ b)))) == 0
}

/// Checks passwords against hashes in memory that it keeps: 19 MiB for a hash of the usual cost. It does not return the
/// memory, because a thread that returns memory may hold the lock of the process's memory map while it has no core.
#[derive(Default)]
pub(super) struct Checker {
    memory: Vec<Block>,
}

impl Checker {
    /// Whether the hash is of this password, in constant time.
    pub(super) fn matches(&mut self, password: &Password, hash: &Hash) -> bool {
        self.hash_like(password, &hash.password_hash())
            .is_some_and(|found| Some(found) == hash.password_hash().hash)
    }

    /// The hash of a password with the salt and cost of another hash; `None` if [`Secret::from_hash`] would reject that
    /// hash.
    fn hash_like(&mut self, password: &Password, hash: &PasswordHash<'_>) -> Option<Output> {
        let params = Params::try_from(hash).ok()?;
        let version = hash.version.map_or(Ok(Version::default()), Version::try_from).ok()?;
        let mut salt = [0; 64];
        let salt = hash.salt?.decode_b64(&mut salt).ok()?;
        let (blocks, len) = (params.block_count(), params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN));
        if self.memory.len() < blocks {
            self.memory.resize(blocks, Block::default());
        }
        let argon = Argon2::new(Algorithm::Argon2id, version, params);
        let memory = &mut self.memory[..blocks];
        Output::init_with(len, |out| {
            Ok(argon.hash_password_into_with_memory(password.text(), salt, out, memory)?)
        })
        .ok()
    }
}

/// Hashes a password with a new salt, in the form that [`Secret::from_hash`] reads. Lower case counts as upper case, as
/// on the wire.
///
/// # Errors
/// [`HashError::NoSalt`].
pub fn hash(password: &Password) -> Result<String, HashError> {
    let salt = SaltString::generate(&mut OsRng);
    let hashed = Argon2::default().hash_password(password.text(), &salt);
    hashed.map(|hash| hash.to_string()).map_err(|_| HashError::NoSalt)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::soup;

    fn password(text: &str) -> Password {
        soup::password(text).expect("a password")
    }

    #[test]
    fn a_hash_is_of_one_password_in_any_case_of_letters() {
        let text = hash(&password("Secret1")).expect("a hash");
        assert!(text.starts_with("$argon2id$"), "{text}");
        let secret = Secret::from_hash(&text).expect("readable");
        let (hash_of, mut checker) = (secret.as_hash().expect("a hash"), Checker::default());
        for (text, is_right) in [("SECRET1", true), ("SECRET", false), ("secret1", true), ("SECRET12", false)]
        {
            assert_eq!(checker.matches(&password(text), hash_of), is_right, "{text}");
        }
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
