/// Who sends the invoices, as it stands on them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CompanyDetails {
    /// The company's name.
    pub name: String,
    /// Its address, line by line.
    pub address: Vec<String>,
    /// Its tax number, as the law wants it on invoices; empty for none.
    pub tax_id: String,
}
