//! How many may come in.

use super::TrustedProxies;

/// How many may come in, and how they are told apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArrivalSettings {
    /// Most connections at one time, whoever they are of; 1 or more. If it is not said:
    /// [`ArrivalSettings::CONNECTIONS`], or as many as the limit of open files leaves room for.
    pub connections: Option<u32>,
    /// Most connections of one address at one time that have not said yet who they are, in
    /// a Hello that was accepted; 1 or more. Default 100.
    pub strangers: u32,
    /// Whose word is taken for where a client comes from. Default nobody's.
    pub proxies: TrustedProxies,
}

impl ArrivalSettings {
    /// Most connections, if nothing else is said and enough files may be open.
    pub const CONNECTIONS: u32 = 20_000;
}

impl Default for ArrivalSettings {
    fn default() -> Self {
        ArrivalSettings { connections: None, strangers: 100, proxies: TrustedProxies::default() }
    }
}
