//! Roles as tokens and answers of the application spell them.

use std::fmt;
use std::str::FromStr;

use cowrite_protocol::frame::Role;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// A role by its name: `viewer`, `commenter`, `editor` or `owner`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoleName(pub Role);

/// The text names no role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a role is one of viewer, commenter, editor and owner")]
pub struct NoRole;

impl FromStr for RoleName {
    type Err = NoRole;

    fn from_str(text: &str) -> Result<RoleName, NoRole> {
        match text {
            "viewer" => Ok(RoleName(Role::Viewer)),
            "commenter" => Ok(RoleName(Role::Commenter)),
            "editor" => Ok(RoleName(Role::Editor)),
            "owner" => Ok(RoleName(Role::Owner)),
            _ => Err(NoRole),
        }
    }
}

impl fmt::Display for RoleName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self.0 {
            Role::Viewer => "viewer",
            Role::Commenter => "commenter",
            Role::Editor => "editor",
            Role::Owner => "owner",
        })
    }
}

impl<'de> Deserialize<'de> for RoleName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<RoleName, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for RoleName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_has_one_name() {
        for role in [Role::Viewer, Role::Commenter, Role::Editor, Role::Owner] {
            assert_eq!(RoleName(role).to_string().parse(), Ok(RoleName(role)));
        }
        for bad in ["", "Editor", "admin", "editor "] {
            assert_eq!(bad.parse::<RoleName>(), Err(NoRole), "{bad:?}");
        }
    }
}
