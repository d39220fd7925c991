//! Numbers that travel as their low bits.

use serde::{Deserialize, Serialize};

/// The low bits of a number that both sides know to be at or a little above a
/// reference: 6 bits in one byte, 13 in two, 20 in three, and so on.
///
/// A leading one marks how many bits follow, so the form is a plain varint. Unlike a
/// difference it stays right if a frame before it was lost, as long as the number is
/// within the window that its own size names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Abbreviated(u64);

const STEP: u32 = 7;
const FIRST: u32 = 6;
const WIDEST: u32 = 55;

impl Abbreviated {
    /// The shortest form of `number` that is read back over `reference`. A number below
    /// its reference, or above 2^53, takes the widest form.
    pub fn of(number: u64, reference: u64) -> Abbreviated {
        let mut bits = FIRST;
        if number < reference {
            bits = WIDEST;
        }
        while bits < WIDEST && (number - reference) >> bits != 0 {
            bits += STEP;
        }
        Abbreviated(1 << bits | number & ((1 << bits) - 1))
    }

    /// The form that was read; whether it is one, [`Abbreviated::resolve`] tells.
    pub(super) const fn from_wire(form: u64) -> Abbreviated {
        Abbreviated(form)
    }

    /// The smallest number at or above `reference` with these low bits. The widest form
    /// is the number itself, wherever it lies. `None` if no form was sent that we know.
    pub fn resolve(self, reference: u64) -> Option<u64> {
        let bits = 63_u32.checked_sub(self.0.leading_zeros())?;
        if !(FIRST..=WIDEST).contains(&bits) || !(bits - FIRST).is_multiple_of(STEP) {
            return None;
        }
        let mask = (1_u64 << bits) - 1;
        let low = self.0 & mask;
        if bits == WIDEST {
            return Some(low);
        }
        let candidate = (reference & !mask) | low;
        if candidate >= reference { Some(candidate) } else { candidate.checked_add(mask + 1) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_read_back_over_its_reference() {
        for reference in [0, 1, 63, 64, 1_000_000, (1 << 53) - 70] {
            for ahead in [0, 1, 2, 63, 64, 65, 8_191, 8_192, 1 << 20, 1 << 27, 1 << 40] {
                let number = reference + ahead;
                assert_eq!(Abbreviated::of(number, reference).resolve(reference), Some(number), "{reference}+{ahead}");
                assert_eq!(Abbreviated::of(reference, number).resolve(number), Some(reference), "{number}-{ahead}");
            }
        }
    }

    #[test]
    fn a_near_number_takes_one_byte_and_a_lost_frame_does_no_harm() {
        let near = Abbreviated::of(1_000_020, 1_000_000);
        assert_eq!(postcard::to_allocvec(&near).unwrap().len(), 1);
        assert_eq!(near.resolve(999_990), Some(1_000_020));
    }

    #[test]
    fn forms_that_do_not_exist_are_refused() {
        for raw in [0, 1, 32, 1 << 7, 1 << 62, u64::MAX] {
            assert_eq!(Abbreviated(raw).resolve(5), None, "{raw}");
        }
    }
}
