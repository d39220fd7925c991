//! The names between the module and its glue.

use std::fs;
use std::path::Path;

use crate::failure::Failure;

/// How many hexadecimal digits wasm-bindgen appends to a name.
const DIGITS: usize = 16;

/// Puts numbers in the place of the hashes with which wasm-bindgen keeps the names of what the module
/// imports apart, in the module and in all files beside it. They are as long, so nothing moves; but no
/// hash can be packed, and each is in the module and in the glue.
pub(crate) fn number_names(folder: &Path) -> Result<(), Failure> {
    let script = folder.join("cowrite.js");
    let hashes = hashes(&fs::read(&script).map_err(Failure::file(&script))?);
    for name in ["cowrite.js", "cowrite.d.ts", "cowrite_bg.wasm", "cowrite_bg.wasm.d.ts"] {
        let file = folder.join(name);
        let mut bytes = fs::read(&file).map_err(Failure::file(&file))?;
        number(&mut bytes, &hashes);
        fs::write(&file, bytes).map_err(Failure::file(&file))?;
    }
    Ok(())
}

/// The hashes at the ends of names that the glue knows, each once.
fn hashes(script: &[u8]) -> Vec<Vec<u8>> {
    let mut found: Vec<Vec<u8>> = Vec::new();
    let words = script.split(|byte| !(byte.is_ascii_alphanumeric() || *byte == b'_'));
    for word in words.filter(|word| word.len() > DIGITS) {
        let (name, hash) = word.split_at(word.len() - DIGITS);
        let is_hash = hash.iter().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte));
        if is_hash && (name.ends_with(b"_") || name.ends_with(b"_h")) && !found.iter().any(|known| known == hash) {
            found.push(hash.to_vec());
        }
    }
    found
}

fn number(bytes: &mut [u8], hashes: &[Vec<u8>]) {
    let mut at = 0;
    while at + DIGITS <= bytes.len() {
        match hashes.iter().position(|hash| bytes[at..].starts_with(hash)) {
            Some(known) => {
                bytes[at..at + DIGITS].copy_from_slice(format!("{known:0DIGITS$}").as_bytes());
                at += DIGITS;
            }
            None => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{hashes, number};

    #[test]
    fn names_stay_apart_and_as_long_as_they_were() {
        let script = b"x.__wbg_new_47827ca85d12cc2d,x.__wbg_new_50f998e3747ad998;f__he9f3f6b83cb9c665(__wbg_new_47827ca85d12cc2d)\
            ;a_0123456789abcdeg;0123456789abcdef;a0123456789abcdef";
        let hashes = hashes(script);
        assert_eq!(hashes, [b"47827ca85d12cc2d", b"50f998e3747ad998", b"e9f3f6b83cb9c665"]);
        let mut module = b"\x1a__wbg_new_50f998e3747ad998\x00\x1a__wbg_new_47827ca85d12cc2d".to_vec();
        number(&mut module, &hashes);
        assert_eq!(module, b"\x1a__wbg_new_0000000000000001\x00\x1a__wbg_new_0000000000000000");
    }
}
