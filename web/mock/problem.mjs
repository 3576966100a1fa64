/** A request that the stand-in refuses, as a problem document tells it. */
export class Problem extends Error {
  constructor(status, detail, field) {
    super(detail);
    this.status = status;
    this.field = field;
  }
}
