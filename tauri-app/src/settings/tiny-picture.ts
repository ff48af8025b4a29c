/** Pixels a side. */
const SIDE = 224;

/** A red circle on a light ground, as a data: URL; null where this page cannot draw. */
export function tinyPicture(): string | null {
  const canvas = document.createElement("canvas");
  canvas.width = SIDE;
  canvas.height = SIDE;
  const draw = canvas.getContext("2d");
  if (!draw) {
    return null;
  }
  draw.fillStyle = "#f4f0e8";
  draw.fillRect(0, 0, SIDE, SIDE);
  draw.fillStyle = "#d0342c";
  draw.beginPath();
  draw.arc(SIDE / 2, SIDE / 2, SIDE / 3, 0, 2 * Math.PI);
  draw.fill();
  return canvas.toDataURL("image/png");
}
