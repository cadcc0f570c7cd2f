//! The session that a client's command says it was sent in.

use dojima::domain::Command;
use dojima::exchange::Exchange;

/// The same command, as sent in the present session of its login.
pub fn in_present_session(command: Command, exchange: &Exchange) -> Command {
    let known = command.sender().and_then(|sender| exchange.logins().get(sender.login.0 as usize));
    known.map_or(command, |login| command.in_session(login.session))
}
