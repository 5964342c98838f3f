// The operations of the emulated API, in the order of a user's steps.

export const OPERATIONS = [
  "SubmitEmailVerification", "ResendEmailVerification", "VerifyEmail", "QueryEmailVerification", "ListEmailVerification", "DeleteEmailVerification", "EmailVerified",
];
