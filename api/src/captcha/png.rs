//! PNG, as little of it as a captcha needs: shades of grey, four bits each, not compressed (noise does not shrink).

/// The largest stored block of DEFLATE.
const BLOCK_MAX: usize = 65_535;

/// A picture from its ink: 0 is white, 255 black.
pub(super) fn encode(width: usize, height: usize, ink: &[u8]) -> Vec<u8> {
    let size = |pixels: usize| u32::try_from(pixels).unwrap_or(u32::MAX).to_be_bytes();
    // Four bits a pixel, grey, and the only kinds of compression, filter and order that most pictures have.
    let head = [&size(width)[..], &size(height), &[4, 0, 0, 0, 0]].concat();
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    chunk(&mut png, *b"IHDR", &head);
    chunk(&mut png, *b"IDAT", &zlib(&rows(width, ink)));
    chunk(&mut png, *b"IEND", &[]);
    png
}

/// Each row begins with its filter: none.
fn rows(width: usize, ink: &[u8]) -> Vec<u8> {
    let grey = |ink: u8| (255 - ink) >> 4;
    let mut bytes = Vec::with_capacity(ink.len() / 2 + ink.len() / width.max(1));
    for row in ink.chunks(width) {
        bytes.push(0);
        bytes.extend(
            row.chunks(2)
                .map(|pair| grey(pair[0]) << 4 | pair.get(1).map_or(0, |second| grey(*second))),
        );
    }
    bytes
}

fn chunk(png: &mut Vec<u8>, kind: [u8; 4], data: &[u8]) {
    png.extend(u32::try_from(data.len()).unwrap_or(u32::MAX).to_be_bytes());
    let from = png.len();
    png.extend(kind);
    png.extend(data);
    png.extend(crc32(&png[from..]).to_be_bytes());
}

/// A stream of stored blocks.
fn zlib(data: &[u8]) -> Vec<u8> {
    let mut stream = vec![0x78, 0x01];
    let blocks = data.chunks(BLOCK_MAX);
    let last = blocks.len().saturating_sub(1);
    for (n, block) in blocks.enumerate() {
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        stream.push(u8::from(n == last));
        stream.extend(length.to_le_bytes());
        stream.extend((!length).to_le_bytes());
        stream.extend(block);
    }
    stream.extend(adler32(data).to_be_bytes());
    stream
}

fn crc32(data: &[u8]) -> u32 {
    !data.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    })
}

fn adler32(data: &[u8]) -> u32 {
    let (low, high) = data.iter().fold((1, 0), |(low, high), byte| {
        let low: u32 = (low + u32::from(*byte)) % 65_521;
        (low, (high + low) % 65_521)
    });
    (high << 16) | low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksums_are_those_of_their_standards() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(adler32(b"Wikipedia"), 0x11e6_0398);
    }

    #[test]
    fn a_picture_has_its_rows_in_one_stored_block() {
        let png = encode(3, 2, &[0, 255, 128, 255, 0, 0]);
        assert!(png.starts_with(b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x03\0\0\0\x02\x04\0"));
        // Filter, then two pixels a byte.
        let rows = [0, 0xf0, 0x70, 0, 0x0f, 0xf0];
        assert!(png.windows(rows.len()).any(|window| window == rows));
        assert!(png.ends_with(b"\0\0\0\0IEND\xaeB`\x82"));
    }
}
