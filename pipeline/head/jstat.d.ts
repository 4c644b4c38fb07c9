/** What pool5 uses of jStat, which ships no types. */
declare module 'jstat' {
  interface StudentT {
    /** The value that Student's t with so many degrees of freedom stays below with this probability. */
    inv(probability: number, degreesOfFreedom: number): number;
  }
  const library: { readonly jStat: { readonly studentt: StudentT } };
  export default library;
}
