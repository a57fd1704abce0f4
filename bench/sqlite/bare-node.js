// The ground that first-job.js is measured over: a module that does nothing but tell the time.
process.send(performance.now());
