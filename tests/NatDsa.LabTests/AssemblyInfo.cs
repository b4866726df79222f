using Xunit;

[assembly: Parallelization(Mode = ParallelizationMode.None)]
