//! Who is to get copies, by what the journal's events say, and by nothing that the node computes.

use dojima::domain::audience::Address;
use dojima::domain::{AccountId, Event, EventRecord, LoginId, VenueEvent};

/// Logins, their accounts, and who is sent copies of whom.
#[derive(Debug, Default)]
pub struct Copies {
    accounts: Vec<AccountId>,
    /// Who gets copies, of which account, and since which command.
    granted: Vec<(LoginId, AccountId, u64)>,
}

impl Copies {
    /// Takes up an event.
    pub fn note(&mut self, record: &EventRecord) {
        match record.event {
            Event::Venue(VenueEvent::LoginOpened { account, .. }) => self.accounts.push(account),
            Event::Venue(VenueEvent::AccountCopied { login, account }) => {
                self.granted.push((login, account, record.sequence))
            }
            _ => {}
        }
    }

    /// Holds those who are told an event against those who are to be told; how many copies there are among them.
    ///
    /// # Errors
    /// Both.
    pub fn check(&self, record: &EventRecord, told: &[Address]) -> Result<u64, String> {
        let of_account = record.event.account_told();
        let own: Vec<LoginId> = match of_account {
            // Every login of the account, and no other.
            Some(account) => {
                let known = (0..).map(LoginId).zip(&self.accounts);
                known.filter(|(_, of)| **of == account).map(|(login, _)| login).collect()
            }
            None => record.event.recipients().into_iter().flatten().collect(),
        };
        let mut expected: Vec<(LoginId, Option<LoginId>)> = own.iter().map(|login| (*login, None)).collect();
        let about_a_stream = matches!(
            record.event,
            Event::Venue(
                VenueEvent::LoginOpened { .. }
                    | VenueEvent::SessionEnded { .. }
                    | VenueEvent::SessionStarted { .. }
            )
        );
        // What an account is told is copied once, as that of its first login.
        let originals = if of_account.is_some() { 1 } else { own.len() };
        for of in own.iter().take(originals).filter(|_| !about_a_stream) {
            let account =
                self.accounts.get(of.0 as usize).ok_or_else(|| format!("login {of} has no account"))?;
            for (to, copied, since) in &self.granted {
                if copied == account && *since < record.sequence && !own.contains(to) {
                    expected.push((*to, Some(*of)));
                }
            }
        }
        let told: Vec<_> = told.iter().map(|to| (to.login, to.copy_of.map(|(of, _)| of))).collect();
        if told != expected {
            return Err(format!("{record:?} is told to {told:?} and was to be told to {expected:?}"));
        }
        Ok((expected.len() - own.len()) as u64)
    }
}
