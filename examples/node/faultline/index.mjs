// A small library for Faultline plugins in JavaScript, written from
// protocol/SPEC.md alone. It is an example, not a supported SDK: copy it.

export * from './kinds.mjs';
export { autoId, globalId, lowerBound, provide, resourceClass, scopedId, subscribe, upperBound, valueCondition } from './declare.mjs';
export { ValidationError } from './session.mjs';
export { serve } from './serve.mjs';
