//! Who else has the document open, and where their cursors stand.

use alloc::vec::Vec;

use cowrite_protocol::frame::{Activity, Member, MemberChange};
use cowrite_protocol::{AuthorNumber, Cursor, DocumentType, UserId};

use super::Pending;

/// A member as the application shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct MemberView<'a> {
    /// The room's number for the member.
    pub number: AuthorNumber,
    /// The user, as the server knows it.
    pub user: &'a UserId,
    /// The display name; may be empty.
    pub name: &'a str,
    /// The application's state: JSON, may be empty.
    pub state: &'a str,
    /// What the member is doing.
    pub activity: Activity,
    /// Whether it is this very client.
    pub own: bool,
    /// Its cursor in the text that the user sees; `None` if it shows none.
    pub cursor: Option<Cursor>,
}

/// The members of the room, sorted by number. Cursors are in the coordinates of the
/// accepted text, and carried over pending work only when they are looked at.
#[derive(Debug, Default)]
pub(super) struct Members {
    list: Vec<(Member, Option<Cursor>)>,
    /// Another number whenever the list is another one, cursors aside.
    revision: u32,
}

impl Members {
    pub(super) fn clear(&mut self) {
        self.list.clear();
        self.revision = self.revision.wrapping_add(1);
    }

    pub(super) fn revision(&self) -> u32 {
        self.revision
    }

    pub(super) fn change(&mut self, change: MemberChange) {
        self.revision = self.revision.wrapping_add(1);
        match change {
            MemberChange::Here(member) => match self.find(member.number) {
                Ok(at) => {
                    // The number may have been given to somebody else meanwhile.
                    if self.list[at].0.user != member.user {
                        self.list[at].1 = None;
                    }
                    self.list[at].0 = member;
                }
                Err(at) => self.list.insert(at, (member, None)),
            },
            MemberChange::Left(number) => {
                if let Ok(at) = self.find(number) {
                    self.list.remove(at);
                }
            }
        }
    }

    pub(super) fn set_cursor(&mut self, number: AuthorNumber, cursor: Cursor) {
        if let Ok(at) = self.find(number) {
            self.list[at].1 = (!cursor.0.is_empty()).then_some(cursor);
        }
    }

    /// Carries all cursors over an accepted operation. Linear in members and components.
    pub(super) fn follow<D: DocumentType>(&mut self, operation: &D::Operation) {
        for (_, cursor) in &mut self.list {
            if let Some(cursor) = cursor {
                cursor.map::<D>(operation);
            }
        }
    }

    pub(super) fn views<'a, D: DocumentType>(
        &'a self,
        own: Option<AuthorNumber>,
        pending: &'a Pending<D>,
        length: u32,
    ) -> impl Iterator<Item = MemberView<'a>> {
        self.list.iter().map(move |(member, cursor)| MemberView {
            number: member.number,
            user: &member.user,
            name: &member.name,
            state: &member.state,
            activity: member.activity,
            own: own == Some(member.number),
            cursor: cursor.clone().map(|mut cursor| {
                pending.operations().for_each(|operation| cursor.map::<D>(operation));
                cursor.clamp(length);
                cursor
            }),
        })
    }

    fn find(&self, number: AuthorNumber) -> Result<usize, usize> {
        self.list.binary_search_by_key(&number, |(member, _)| member.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cowrite_protocol::RichText;
    use cowrite_protocol::Utf16Offset;

    #[test]
    fn a_cursor_is_its_members_and_nobody_elses_who_gets_the_number() {
        let here = |number, user: &str| {
            MemberChange::Here(Member {
                number: AuthorNumber(number),
                user: user.parse().unwrap(),
                name: String::new(),
                activity: Activity::Active,
                state: String::new(),
            })
        };
        let mut members = Members::default();
        let shown = |members: &Members| {
            let views = members.views::<RichText>(None, &Pending::Synchronized, 9);
            views.map(|member| (member.number.0, member.cursor.is_some())).collect::<Vec<_>>()
        };
        members.change(here(2, "bob"));
        members.change(here(1, "ann"));
        let revision = members.revision();
        for number in [1, 2, 3] {
            members.set_cursor(AuthorNumber(number), Cursor::caret(Utf16Offset(4)));
        }
        assert_eq!(shown(&members), [(1, true), (2, true)]);
        assert_eq!(members.revision(), revision, "cursors move without it");
        members.change(here(1, "ann"));
        members.change(here(2, "cyd"));
        assert_ne!(members.revision(), revision);
        assert_eq!(shown(&members), [(1, true), (2, false)]);
        members.set_cursor(AuthorNumber(1), Cursor::default());
        assert_eq!(shown(&members), [(1, false), (2, false)], "an empty cursor hides it");
        members.change(MemberChange::Left(AuthorNumber(1)));
        members.change(MemberChange::Left(AuthorNumber(7)));
        assert_eq!(shown(&members), [(2, false)]);
        members.clear();
        assert_eq!(shown(&members), []);
    }
}
