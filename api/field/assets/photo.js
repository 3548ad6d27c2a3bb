/* Photos made smaller before they are kept, with what the camera wrote into them (EXIF: time, place) carried over. */
"use strict";

self.fieldPhoto = (() => {
  const QUALITY = 0.88, SMALL_ENOUGH_BYTES = 900 * 1024;

  /* A file as it will be sent: at most `mostPx` on its long side, {blob, name}. What cannot be drawn goes as it is. */
  async function prepare(file, mostPx) {
    let picture;
    try {
      picture = await draw(file);
    } catch (_) {
      return {blob: file, name: file.name || "photo"};  // HEIC on an old browser: the server can open it
    }
    const {source, width, height} = picture, ratio = mostPx / Math.max(width, height);
    if (ratio >= 1 && file.size <= SMALL_ENOUGH_BYTES) return {blob: file, name: file.name || "photo.jpg"};
    const scale = Math.min(1, ratio), canvas = document.createElement("canvas");
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    canvas.getContext("2d").drawImage(source, 0, 0, canvas.width, canvas.height);
    if (source.close) source.close();
    const small = await new Promise((done) => canvas.toBlob(done, "image/jpeg", QUALITY));
    canvas.width = canvas.height = 0;  // old phones keep the pixels until they are told
    if (!small) return {blob: file, name: file.name || "photo.jpg"};
    const exif = await exifOf(file), name = (file.name || "photo").replace(/\.[A-Za-z0-9]+$/, "") + ".jpg";
    return {blob: exif ? await withExif(small, exif) : small, name};
  }

  /* Upright pixels; the browser turns the picture as its EXIF says. */
  async function draw(file) {
    if (self.createImageBitmap) {
      try {
        const made = await createImageBitmap(file, {imageOrientation: "from-image"});
        return {source: made, width: made.width, height: made.height};
      } catch (_) { /* an older browser without the option, or a format it does not know: try an <img> */ }
    }
    const image = new Image(), address = URL.createObjectURL(file);
    try {
      image.src = address;
      await image.decode();
      return {source: image, width: image.naturalWidth, height: image.naturalHeight};
    } finally {
      URL.revokeObjectURL(address);
    }
  }

  /* The APP1 segment of a JPEG with its EXIF data, orientation set to 1 since the pixels are upright now; or null. */
  async function exifOf(file) {
    const head = new DataView(await file.slice(0, 256 * 1024).arrayBuffer());
    if (head.byteLength < 4 || head.getUint16(0) !== 0xffd8) return null;
    let at = 2;
    while (at + 4 <= head.byteLength && head.getUint8(at) === 0xff) {
      const marker = head.getUint8(at + 1), size = head.getUint16(at + 2);
      if (marker === 0xda || size < 2) return null;
      const isExif = marker === 0xe1 && size > 16 && at + 2 + size <= head.byteLength && head.getUint32(at + 4) === 0x45786966;
      if (isExif) {
        const segment = head.buffer.slice(at, at + 2 + size);
        turnUpright(new DataView(segment, 10));
        return segment;
      }
      at += 2 + size;
    }
    return null;
  }

  function turnUpright(tiff) {
    const little = tiff.getUint16(0) === 0x4949, start = tiff.getUint32(4, little);
    if (start + 2 > tiff.byteLength) return;
    const entries = tiff.getUint16(start, little);
    for (let entry = 0; entry < entries; entry += 1) {
      const at = start + 2 + entry * 12;
      if (at + 12 > tiff.byteLength) return;
      if (tiff.getUint16(at, little) === 0x0112) tiff.setUint16(at + 8, 1, little);
    }
  }

  /* The segment put behind the start of a JPEG that the browser has written. */
  async function withExif(jpeg, segment) {
    return new Blob([jpeg.slice(0, 2), segment, jpeg.slice(2)], {type: "image/jpeg"});
  }

  return {prepare, exifOf};
})();
