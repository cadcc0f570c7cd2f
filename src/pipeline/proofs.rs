//! What says, beside the journal, which commands were durable: so that a journal that was cut short is not taken for one whose
//! last commands were never acknowledged.

use crate::config::Config;
use crate::recovery::{DataDir, Proof};
use crate::sql::reader::SqlReader;
use crate::stages::feed::newest_checkpoint_sequence;

/// The database and the newest checkpoint of market data: both are only made of commands that are on the disk, whichever the
/// durability. What is not there, or cannot be read, proves nothing; whoever needs it says what is wrong with it.
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
