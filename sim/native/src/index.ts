/** Designs as machine code, by way of C. */
export { NativeError } from './build.ts';
export { type NativeOptions, native, prepareNative } from './native.ts';
