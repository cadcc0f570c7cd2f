//! Password hashes in the configuration.

use argon2::ARGON2ID_IDENT;
use argon2::password_hash::{PasswordHash, PasswordHashString};

/// A text that is not an acceptable password hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// It is not a hash.
    #[error("cannot be read as an argon2id hash; `dojima hash-password` makes one")]
    Unreadable,
    /// It uses another algorithm.
    #[error("is not an argon2id hash; `dojima hash-password` makes one")]
    OtherAlgorithm,
    /// It would take too long or too much memory to check.
    #[error(
        "costs too much to check (m = {m}, t = {t}, p = {p}; {MEMORY_KIB_MAX}, {PASSES_MAX} and {LANES_MAX} are allowed, and m × t = {WORK_KIB_MAX}); `dojima hash-password` makes one that does not"
    )]
    TooDear {
        /// Memory, KiB.
        m: u32,
        /// Passes over it.
        t: u32,
        /// Lanes.
        p: u32,
    },
    /// The system provided no random salt.
    #[error("cannot be hashed: the system gives no random numbers")]
    NoSalt,
}

/// Limits on the cost of a hash, because unauthenticated clients make the authenticator check it: memory in KiB, passes,
/// lanes, and memory times passes. The largest cost takes some tenths of a second. Hashes of `dojima hash-password` cost a
/// seventh of that.
const MEMORY_KIB_MAX: u32 = 65_536;
const PASSES_MAX: u32 = 10;
const LANES_MAX: u32 = 4;
const WORK_KIB_MAX: u64 = 262_144;

/// Reads a hash in the usual form, `$argon2id$v=19$m=…,t=…,p=…$salt$hash`.
///
/// # Errors
/// [`HashError`]: the text is not a hash, or the hash costs too much to check.
pub fn read(text: &str) -> Result<PasswordHashString, HashError> {
    let hash = PasswordHash::new(text).map_err(|_| HashError::Unreadable)?;
    if hash.algorithm != ARGON2ID_IDENT {
        return Err(HashError::OtherAlgorithm);
    }
    let params = argon2::Params::try_from(&hash).map_err(|_| HashError::Unreadable)?;
    let (m, t, p) = (params.m_cost(), params.t_cost(), params.p_cost());
    let is_small = m <= MEMORY_KIB_MAX && t <= PASSES_MAX && p <= LANES_MAX;
    if !is_small || u64::from(m) * u64::from(t) > WORK_KIB_MAX {
        return Err(HashError::TooDear { m, t, p });
    }
    match (hash.salt, hash.hash) {
        (Some(_), Some(_)) => Ok(hash.serialize()),
        _ => Err(HashError::Unreadable),
    }
}
