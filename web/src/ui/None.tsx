/** Stands where there is no value. */
export function None() {
  return <span className="muted">–</span>;
}
