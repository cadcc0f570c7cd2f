//! Accepting logins, and closing older connections of the same user for them.

use super::connection::Phase;
use super::lines::Line;
use super::protocol::{CONTROL_PACKET_LEN_MAX, LoginAccepted, LoginRejected, SessionProtocol};
use super::{Admission, Admitted, CloseReason, Server, Service, inbox_of};
use crate::domain::LoginName;
use crate::net::ConnectionId;
use crate::net::auth::AuthAnswer;
use crate::runtime::log::Stranger;

/// The most answers of the authenticator taken in one duty cycle.
const ANSWERS_MAX: usize = 64;

impl<C> Server<C> {
    /// Applies the authenticator's answers, with the service's admission. Returns the amount of work.
    pub fn hear(&mut self, service: &mut impl Service<Client = C>, now: u64) -> usize {
        for heard in 0..ANSWERS_MAX {
            let Some(AuthAnswer { connection: id, verdict }) = self.auth.answers.try_take() else {
                return heard;
            };
            let Some(connection) = self.connections.get(id) else { continue };
            let Phase::Checking(login) = connection.phase else { continue };
            match verdict.and_then(|grant| service.admit(id, grant, &login, now)) {
                Ok(Admission::Now(admitted)) => self.decide(service, id, Ok(admitted), now),
                Ok(Admission::Later) => {}
                Err(reason) => self.decide(service, id, Err(reason), now),
            }
        }
        ANSWERS_MAX
    }

    /// Accepts or refuses the login of a waiting connection. Does nothing if the connection is closed.
    pub fn decide<S: Service<Client = C>>(
        &mut self,
        service: &mut S,
        id: ConnectionId,
        verdict: Result<Admitted<C>, LoginRejected>,
        now: u64,
    ) {
        let Some(connection) = self.connections.get(id) else { return };
        let Phase::Checking(login) = connection.phase else { return };
        let mut packet = [0; CONTROL_PACKET_LEN_MAX];
        let (peer, username, label) = (connection.peer, login.username, self.settings.label);
        let Admitted { mut client, session, first } = match verdict {
            Ok(admitted) => admitted,
            Err(reason) => {
                let len = S::Protocol::refused(reason, &mut packet);
                connection.refuse(&packet[..len], now);
                self.wake(id);
                self.gauges.logins_refused.add(1);
                if Stranger::LoginRefused.may_log() {
                    tracing::warn!(%peer, %username, "{label}login refused: {reason}");
                }
                return;
            }
        };
        self.make_room_for(service, username, now);
        service.arrived(id, &mut client, now);
        let Some(connection) = self.connections.get(id) else { return };
        let len = S::Protocol::accepted(&LoginAccepted { session, sequence: first }, &mut packet);
        connection.let_in(client, &login, &packet[..len], now);
        let wide = self.settings.inbox_len;
        if connection.inbox.capacity() < wide {
            let small = connection.widen(inbox_of(&mut self.spare_inboxes, wide));
            self.spare_inboxes.push(small);
        } else {
            connection.has_more = true;
        }
        self.wake(id);
        self.gauges.logins.add(1);
        if let Some(Line { left_out }) = self.lines.next_of(username, now) {
            tracing::info!(%peer, %username, %session, first, left_out, "{label}logged in");
        }
    }

    /// Closes the oldest connections of a user whose next connection would exceed the limit per user.
    fn make_room_for(&mut self, service: &mut impl Service<Client = C>, user: LoginName, now: u64) {
        let most = self.settings.connections_per_user;
        let count = self.connections.iter().filter(|(_, one)| one.logged_in_as(user).is_some()).count();
        for _ in most..=count {
            if let Some(oldest) = self.connections.oldest(|one| one.logged_in_as(user)) {
                let reason = match most {
                    1 => CloseReason::TakenOver,
                    _ => CloseReason::LoggedInAgain(most),
                };
                self.close(service, oldest, reason, now);
            }
        }
    }
}
