/** Workloads in fio's form. */
export { type Duration, type Job, jobOptions, type Pattern, parseJobFile } from './job-file.ts';
export { remoteDevice } from './remote-device.ts';
export { cyclesOf, type JobDevice, type JobResult, jobGroups, percentile, runJobs } from './run-jobs.ts';
export { Scoreboard } from './scoreboard.ts';
export { JobFileError } from './sections.ts';
