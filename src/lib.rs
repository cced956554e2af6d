//! EoiNAS.
