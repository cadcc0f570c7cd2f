//! A reader of drop copies: every message of the accounts that its login copies, without a gap, also after it was away.
//!
//! `cargo run --example drop_copy -- ADDRESS USER PASSWORD BOOKMARK_FILE`
//!
//! Where it has got to is in a file, so the next run begins there.

use dojima::client::{Bookmark, Client, ClientError, ClientMessage, Credentials, Start};
use dojima::wire::soup::{self, SessionId};
use std::error::Error;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

/// A place in the stream as a line of text.
pub fn written(mark: &Bookmark) -> String {
    format!("{} {}\n", mark.session, mark.sequence)
}

/// The place that a file names, or the beginning.
pub fn start(file: &Path) -> Result<Start, Box<dyn Error>> {
    let Ok(text) = std::fs::read_to_string(file) else { return Ok(Start::Beginning) };
    let (session, sequence) = text.trim().split_once(' ').ok_or("the file names a session and a number")?;
    Ok(Start::At(Bookmark {
        session: SessionId::new(session).ok_or("no name of a session")?,
        sequence: sequence.parse()?,
        next_user_ref: None,
    }))
}

/// Hands on messages until none has come for so long, or the session has ended, and returns where the next reader begins.
pub fn read(
    address: SocketAddr,
    who: &Credentials,
    start: Start,
    quiet: Duration,
    mut take: impl FnMut(&ClientMessage),
) -> Result<Bookmark, ClientError> {
    let mut client = Client::listen(address, who, start)?;
    loop {
        match client.next_event(quiet) {
            Ok(Some(message)) => take(&message),
            Ok(None) => break,
            Err(ClientError::SessionEnded) => {
                // The next session begins with message 1.
                let ended = client.bookmark();
                let session = ended.session.after(1).unwrap_or(ended.session);
                return Ok(Bookmark { session, sequence: 1, next_user_ref: None });
            }
            Err(error) => return Err(error),
        }
    }
    let mark = client.bookmark();
    client.log_out();
    Ok(mark)
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, user, password, file] = &arguments[..] else {
        return Err("ADDRESS USER PASSWORD BOOKMARK_FILE".into());
    };
    let (address, file) = (address.parse()?, Path::new(file));
    let who = Credentials {
        username: soup::username(user).ok_or("a user has 1 to 6 letters and digits")?,
        password: soup::password(password).ok_or("a password has 1 to 10 letters and digits")?,
        heartbeat_timeout_ms: None,
    };
    loop {
        // What is taken and not noted yet comes again after a crash: note it as often as it matters.
        let read =
            read(address, &who, start(file)?, Duration::from_secs(1), |message| match message.copy_of {
                Some(of) => println!(
                    "{} login {} account {}: {:?}",
                    message.sequence, of.login, of.account, message.event
                ),
                None => println!("{} {:?}", message.sequence, message.event),
            });
        match read {
            Ok(mark) => std::fs::write(file, written(&mark))?,
            Err(error) if error.is_disconnect() => {
                println!("{error}; connecting again");
                std::thread::sleep(Duration::from_secs(1));
            }
            Err(error) => return Err(error.into()),
        }
    }
}
