/** The element at an index that is known to exist; keeps index arithmetic readable where arrays are dense by construction. */
export function at<T>(list: ArrayLike<T>, index: number): T {
  return list[index] as T;
}
