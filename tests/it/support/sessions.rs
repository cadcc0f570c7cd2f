//! The session that a client's command says it was sent in.

use dojima::domain::Command;
use dojima::exchange::Exchange;

/// The same command, as sent in this session. What is no client's is as it was.
pub fn in_session(mut command: Command, session: u32) -> Command {
    match &mut command {
        Command::Enter(message) => message.session = session,
        Command::RefuseEnter(message) => message.session = session,
        Command::Replace(message) => message.session = session,
        Command::RefuseReplace(message) => message.session = session,
        Command::Cancel(message) => message.session = session,
        Command::Amend(message) => message.session = session,
        Command::Modify(message) => message.session = session,
        Command::SetOrderEntry(message) => message.session = session,
        Command::QueryAccount(message) => message.session = session,
        Command::MassCancel(message) if message.login.is_some() => message.session = session,
        _ => {}
    }
    command
}

/// The same command, as sent in the present session of its login.
pub fn in_present_session(command: Command, exchange: &Exchange) -> Command {
    let known = command.sender().and_then(|sender| exchange.logins().get(sender.login.0 as usize));
    known.map_or(command, |login| in_session(command, login.session))
}
