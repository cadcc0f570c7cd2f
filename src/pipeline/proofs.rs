//! Evidence outside the journal of which commands were durable. It prevents a truncated journal from being taken for
//! one whose last commands were never acknowledged.

use crate::config::Config;
use crate::recovery::{DataDir, Proof};
use crate::sql::reader::SqlReader;
use crate::stages::feed::newest_checkpoint_sequence;

/// The database and the newest checkpoint of market data. Both contain only commands that are on disk, in every
/// durability mode. A source that is missing or unreadable proves nothing; the code that needs it reports the error.
pub fn proofs(config: &Config, data: &DataDir) -> Vec<Proof> {
    let mut proofs = Vec::new();
    let database = data.path().join(&config.sql.path);
    if config.sql.enabled
        && let Ok(watermark) = SqlReader::open_at_rest(&database).and_then(|sql| sql.watermark())
    {
        proofs.push(Proof { path: database, sequence: watermark.sequence });
    }
    if config.market_data.enabled
        && let Some(sequence) = newest_checkpoint_sequence(data.market_data())
    {
        proofs.push(Proof { path: data.market_data().dir().to_owned(), sequence });
    }
    proofs
}
